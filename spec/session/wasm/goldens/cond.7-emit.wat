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
  (func $part0 (type $t0) (param $p0 i32)
    local.get $p0
    if $if0
      i32.const 0
      call $poll
    end $if0
    call $kernel0
    local.get $p0
    if $if1
      i32.const 1
      call $poll
    end $if1
    i32.const 1
    call $host
  )
  (func $run (type $t0) (param $p0 i32)
    local.get $p0
    call $part0
  )
  (export "run" (func $run))
)
