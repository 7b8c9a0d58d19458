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
    (local $i0 i32) (local $i1 i32) (local $i2 i32) (local $i3 i32) (local $i4 i32) (local $i5 i32) (local $i6 i32) (local $i7 i32)
    (local $v8 v128) (local $i9 i32) (local $i10 i32)
    i32.const 0
    local.set $i0
    loop $loop0
      local.get $i0
      i32.const 4
      i32.mul
      local.set $i2
      local.get $i2
      i32.load offset=256
      local.set $i3
      local.get $i3
      local.tee $i4
      i32.const 10
      i32.ge_u
      if $if1
        local.get $i0
        call $place
        i32.const 0
        local.get $i3
        f64.convert_i32_s
        call $fail
      end $if1
      local.get $i4
      i32.const 16
      i32.mul
      local.set $i5
      local.get $i0
      i32.const 16
      i32.mul
      local.set $i9
      i32.const 0
      local.set $i1
      local.get $i1
      i32.const 4
      i32.mul
      local.set $i6
      local.get $i5
      local.get $i6
      i32.add
      local.set $i7
      local.get $i7
      v128.load offset=64 align=4
      local.set $v8
      local.get $i9
      local.get $i6
      i32.add
      local.set $i10
      local.get $i10
      local.get $v8
      v128.store offset=320 align=4
      local.get $i0
      i32.const 1
      i32.add
      local.tee $i0
      i32.const 3
      i32.lt_s
      br_if $loop0
    end $loop0
  )
  (func $run (type $t0) (param $p0 i32)
    local.get $p0
    if $if0
      i32.const 0
      call $poll
    end $if0
    call $kernel0
  )
  (export "run" (func $run))
)
