(module
  (type $t0 (func (param i32)))
  (type $t1 (func (param i32 i32)))
  (type $t2 (func (param i32 f64)))
  (type $t3 (func))
  (import "env" "host" (func $host (type $t0)))
  (import "env" "poll" (func $poll (type $t0)))
  (import "env" "share" (func $share (type $t1)))
  (import "env" "place" (func $place (type $t0)))
  (import "env" "fail" (func $fail (type $t2)))
  (import "env" "divide" (func $divide (type $t0)))
  (import "env" "memory" (memory 1))
  (func $kernel0 (type $t3)
    (local $i0 i32) (local $i1 i32) (local $v2 v128) (local $v3 v128) (local $f4 f32) (local $f5 f32) (local $i6 i32) (local $f7 f32)
    f32.const 0
    f32x4.splat
    local.set $v3
    i32.const 0
    local.set $i0
    local.get $i0
    i32.const 4
    i32.mul
    local.set $i1
    local.get $i1
    v128.load offset=64 align=4
    local.set $v2
    local.get $v3
    local.get $v2
    f32x4.add
    local.set $v3
    local.get $v3
    f32x4.extract_lane 0
    local.set $f4
    local.get $v3
    f32x4.extract_lane 1
    local.set $f7
    local.get $f4
    local.get $f7
    f32.add
    local.set $f4
    local.get $v3
    f32x4.extract_lane 2
    local.set $f7
    local.get $f4
    local.get $f7
    f32.add
    local.set $f4
    local.get $v3
    f32x4.extract_lane 3
    local.set $f7
    local.get $f4
    local.get $f7
    f32.add
    local.set $f4
    f32.const 0
    local.set $f5
    local.get $f4
    local.get $f5
    f32.gt
    local.set $i6
    i32.const 0
    local.get $i6
    i32.store8 offset=128
  )
  (func $kernel2 (type $t3)
    (local $i0 i32) (local $i1 i32) (local $v2 v128) (local $v3 v128)
    i32.const 0
    local.set $i0
    local.get $i0
    i32.const 4
    i32.mul
    local.set $i1
    local.get $i1
    v128.load offset=64 align=4
    local.set $v2
    local.get $v2
    f32x4.sqrt
    local.set $v3
    local.get $i1
    local.get $v3
    v128.store offset=128 align=4
  )
  (func $move (type $t3)
    i32.const 192
    i32.const 128
    v128.load
    v128.store
  )
  (func $kernel5 (type $t3)
    (local $i0 i32) (local $i1 i32) (local $v2 v128) (local $f3 f32) (local $v4 v128) (local $v5 v128)
    f32.const 2
    local.set $f3
    local.get $f3
    f32x4.splat
    local.set $v4
    i32.const 0
    local.set $i0
    local.get $i0
    i32.const 4
    i32.mul
    local.set $i1
    local.get $i1
    v128.load offset=64 align=4
    local.set $v2
    local.get $v2
    local.get $v4
    f32x4.mul
    local.set $v5
    local.get $i1
    local.get $v5
    v128.store offset=128 align=4
  )
  (func $move.1 (type $t3)
    i32.const 192
    i32.const 128
    v128.load
    v128.store
  )
  (func $run (type $t0) (param $p0 i32)
    local.get $p0
    if $if0
      i32.const 0
      call $poll
    end $if0
    call $kernel0
    i32.const 128
    i32.load8_u
    if $if1
      local.get $p0
      if $if2
        i32.const 2
        call $poll
      end $if2
      call $kernel2
      local.get $p0
      if $if3
        i32.const 3
        call $poll
      end $if3
      call $move
    else
      local.get $p0
      if $if4
        i32.const 5
        call $poll
      end $if4
      call $kernel5
      local.get $p0
      if $if5
        i32.const 6
        call $poll
      end $if5
      call $move.1
    end $if1
  )
  (export "run" (func $run))
)
