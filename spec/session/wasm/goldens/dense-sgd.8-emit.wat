;; 640–704 constant float32[8, 2] = 0.0625, 0.0625, 0.0625, 0.0625, …
;; 512 variable w float32[3, 2]
;; 576 variable b float32[2]
(module
  (type $t0 (func (param i32)))
  (type $t1 (func (param i32 i32)))
  (type $t2 (func (param i32 f64)))
  (type $t3 (func (param i32 i32 i32 i32 i32 i32)))
  (type $t4 (func))
  (import "env" "host" (func $host (type $t0)))
  (import "env" "poll" (func $poll (type $t0)))
  (import "env" "share" (func $share (type $t1)))
  (import "env" "place" (func $place (type $t0)))
  (import "env" "fail" (func $fail (type $t2)))
  (import "env" "divide" (func $divide (type $t0)))
  (import "env" "memory" (memory 1))
  (func $matmul_float32_8x3x2 (type $t3) (param $p0 i32) (param $p1 i32) (param $p2 i32) (param $p3 i32) (param $p4 i32) (param $p5 i32)
    (local $i6 i32) (local $i7 i32) (local $i8 i32) (local $v9 v128) (local $v10 v128) (local $v11 v128) (local $v12 v128) (local $v13 v128)
    local.get $p0
    local.get $p4
    i32.const 12
    i32.mul
    i32.add
    local.set $i6
    local.get $p2
    local.get $p4
    i32.const 8
    i32.mul
    i32.add
    local.set $i7
    local.get $p4
    local.set $i8
    local.get $p1
    v128.load align=4
    local.set $v9
    local.get $p1
    v128.load offset=8 align=4
    local.set $v10
    local.get $p1
    v128.load64_zero offset=16 align=4
    local.set $v11
    block $block0
      loop $loop1
        local.get $p5
        local.get $i8
        i32.sub
        i32.const 1
        i32.lt_s
        br_if $block0
        v128.const i32x4 0 0 0 0
        local.set $v13
        local.get $i6
        v128.load32_splat
        local.set $v12
        local.get $v13
        local.get $v12
        local.get $v9
        f32x4.mul
        f32x4.add
        local.set $v13
        local.get $i6
        v128.load32_splat offset=4
        local.set $v12
        local.get $v13
        local.get $v12
        local.get $v10
        f32x4.mul
        f32x4.add
        local.set $v13
        local.get $i6
        v128.load32_splat offset=8
        local.set $v12
        local.get $v13
        local.get $v12
        local.get $v11
        f32x4.mul
        f32x4.add
        local.set $v13
        local.get $i7
        local.get $v13
        v128.store64_lane 0
        local.get $i6
        i32.const 12
        i32.add
        local.set $i6
        local.get $i7
        i32.const 8
        i32.add
        local.set $i7
        local.get $i8
        i32.const 1
        i32.add
        local.set $i8
        br $loop1
      end $loop1
    end $block0
  )
  (func $matmul_float32_3x8x2_ta (type $t3) (param $p0 i32) (param $p1 i32) (param $p2 i32) (param $p3 i32) (param $p4 i32) (param $p5 i32)
    (local $i6 i32) (local $i7 i32) (local $i8 i32) (local $v9 v128) (local $v10 v128) (local $v11 v128) (local $v12 v128) (local $v13 v128)
    (local $v14 v128) (local $v15 v128) (local $v16 v128) (local $v17 v128) (local $v18 v128)
    local.get $p0
    local.get $p4
    i32.const 4
    i32.mul
    i32.add
    local.set $i6
    local.get $p2
    local.get $p4
    i32.const 8
    i32.mul
    i32.add
    local.set $i7
    local.get $p4
    local.set $i8
    local.get $p1
    v128.load align=4
    local.set $v9
    local.get $p1
    v128.load offset=8 align=4
    local.set $v10
    local.get $p1
    v128.load offset=16 align=4
    local.set $v11
    local.get $p1
    v128.load offset=24 align=4
    local.set $v12
    local.get $p1
    v128.load offset=32 align=4
    local.set $v13
    local.get $p1
    v128.load offset=40 align=4
    local.set $v14
    local.get $p1
    v128.load offset=48 align=4
    local.set $v15
    local.get $p1
    v128.load64_zero offset=56 align=4
    local.set $v16
    block $block0
      loop $loop1
        local.get $p5
        local.get $i8
        i32.sub
        i32.const 1
        i32.lt_s
        br_if $block0
        v128.const i32x4 0 0 0 0
        local.set $v18
        local.get $i6
        v128.load32_splat
        local.set $v17
        local.get $v18
        local.get $v17
        local.get $v9
        f32x4.mul
        f32x4.add
        local.set $v18
        local.get $i6
        v128.load32_splat offset=12
        local.set $v17
        local.get $v18
        local.get $v17
        local.get $v10
        f32x4.mul
        f32x4.add
        local.set $v18
        local.get $i6
        v128.load32_splat offset=24
        local.set $v17
        local.get $v18
        local.get $v17
        local.get $v11
        f32x4.mul
        f32x4.add
        local.set $v18
        local.get $i6
        v128.load32_splat offset=36
        local.set $v17
        local.get $v18
        local.get $v17
        local.get $v12
        f32x4.mul
        f32x4.add
        local.set $v18
        local.get $i6
        v128.load32_splat offset=48
        local.set $v17
        local.get $v18
        local.get $v17
        local.get $v13
        f32x4.mul
        f32x4.add
        local.set $v18
        local.get $i6
        v128.load32_splat offset=60
        local.set $v17
        local.get $v18
        local.get $v17
        local.get $v14
        f32x4.mul
        f32x4.add
        local.set $v18
        local.get $i6
        v128.load32_splat offset=72
        local.set $v17
        local.get $v18
        local.get $v17
        local.get $v15
        f32x4.mul
        f32x4.add
        local.set $v18
        local.get $i6
        v128.load32_splat offset=84
        local.set $v17
        local.get $v18
        local.get $v17
        local.get $v16
        f32x4.mul
        f32x4.add
        local.set $v18
        local.get $i7
        local.get $v18
        v128.store64_lane 0
        local.get $i6
        i32.const 4
        i32.add
        local.set $i6
        local.get $i7
        i32.const 8
        i32.add
        local.set $i7
        local.get $i8
        i32.const 1
        i32.add
        local.set $i8
        br $loop1
      end $loop1
    end $block0
  )
  (func $kernel1 (type $t4)
    (local $i0 i32) (local $i1 i32) (local $i2 i32) (local $i3 i32) (local $i4 i32) (local $f5 f32) (local $f6 f32) (local $f7 f32)
    (local $f8 f32) (local $i9 i32) (local $f10 f32) (local $f11 f32) (local $f12 f32) (local $f13 f32) (local $f14 f32) (local $f15 f32)
    (local $f16 f32)
    f32.const 0
    local.set $f8
    f32.const 2
    local.set $f13
    i32.const 0
    local.set $i0
    loop $loop0
      local.get $i0
      i32.const 8
      i32.mul
      local.set $i2
      i32.const 0
      local.set $i1
      loop $loop1
        local.get $i1
        i32.const 4
        i32.mul
        local.set $i3
        local.get $i2
        local.get $i3
        i32.add
        local.set $i4
        local.get $i4
        f32.load offset=256
        local.set $f5
        local.get $i3
        f32.load offset=576
        local.set $f6
        local.get $f5
        local.get $f6
        f32.add
        local.set $f7
        local.get $f7
        local.get $f8
        f32.lt
        local.set $i9
        local.get $f8
        local.get $f7
        local.get $i9
        select
        local.set $f10
        local.get $i4
        local.get $f10
        f32.store offset=320
        local.get $i4
        f32.load offset=192
        local.set $f11
        local.get $f10
        local.get $f11
        f32.sub
        local.set $f12
        local.get $i4
        local.get $f12
        f32.store offset=384
        local.get $f12
        local.get $f13
        f32.mul
        local.set $f14
        local.get $i4
        f32.load offset=640
        local.set $f15
        local.get $f15
        local.get $f14
        f32.mul
        local.set $f16
        local.get $i4
        local.get $f16
        f32.store offset=448
        local.get $i1
        i32.const 1
        i32.add
        local.tee $i1
        i32.const 2
        i32.lt_s
        br_if $loop1
      end $loop1
      local.get $i0
      i32.const 1
      i32.add
      local.tee $i0
      i32.const 8
      i32.lt_s
      br_if $loop0
    end $loop0
  )
  (func $kernel2 (type $t4)
    (local $i0 i32) (local $i1 i32) (local $i2 i32) (local $i3 i32) (local $i4 i32) (local $f5 f32) (local $f6 f32) (local $f7 f32)
    (local $f8 f32) (local $f9 f32) (local $f10 f32)
    f32.const 0
    local.set $f8
    i32.const 0
    local.set $i0
    loop $loop0
      local.get $i0
      i32.const 8
      i32.mul
      local.set $i2
      f32.const 0
      local.set $f7
      i32.const 0
      local.set $i1
      loop $loop1
        local.get $i1
        i32.const 4
        i32.mul
        local.set $i3
        local.get $i2
        local.get $i3
        i32.add
        local.set $i4
        local.get $i4
        f32.load offset=384
        local.set $f5
        local.get $f5
        local.get $f5
        f32.mul
        local.set $f6
        local.get $f7
        local.get $f6
        f32.add
        local.set $f7
        local.get $i1
        i32.const 1
        i32.add
        local.tee $i1
        i32.const 2
        i32.lt_s
        br_if $loop1
      end $loop1
      local.get $f8
      local.get $f7
      f32.add
      local.set $f8
      local.get $i0
      i32.const 1
      i32.add
      local.tee $i0
      i32.const 8
      i32.lt_s
      br_if $loop0
    end $loop0
    f32.const 16
    local.set $f9
    local.get $f8
    local.get $f9
    f32.div
    local.set $f10
    i32.const 0
    local.get $f10
    f32.store offset=192
  )
  (func $kernel3 (type $t4)
    (local $i0 i32) (local $i1 i32) (local $v2 v128) (local $v3 v128) (local $f4 f32) (local $v5 v128) (local $v6 v128) (local $v7 v128)
    (local $v8 v128)
    f32.const 0
    local.set $f4
    local.get $f4
    f32x4.splat
    local.set $v5
    i32.const 0
    local.set $i0
    loop $loop0
      local.get $i0
      i32.const 4
      i32.mul
      local.set $i1
      local.get $i1
      v128.load offset=448 align=4
      local.set $v2
      local.get $i1
      v128.load offset=320 align=4
      local.set $v3
      local.get $v3
      local.get $v5
      f32x4.gt
      local.set $v6
      local.get $v6
      f32.const 1
      f32x4.splat
      v128.and
      local.set $v7
      local.get $v2
      local.get $v7
      f32x4.mul
      local.set $v8
      local.get $i1
      local.get $v8
      v128.store offset=256 align=4
      local.get $i0
      i32.const 4
      i32.add
      local.tee $i0
      i32.const 16
      i32.lt_s
      br_if $loop0
    end $loop0
  )
  (func $kernel4 (type $t4)
    (local $i0 i32) (local $i1 i32) (local $i2 i32) (local $i3 i32) (local $i4 i32) (local $f5 f32) (local $f6 f32)
    i32.const 0
    local.set $i0
    loop $loop0
      local.get $i0
      i32.const 4
      i32.mul
      local.set $i2
      f32.const 0
      local.set $f6
      i32.const 0
      local.set $i1
      loop $loop1
        local.get $i1
        i32.const 8
        i32.mul
        local.set $i3
        local.get $i2
        local.get $i3
        i32.add
        local.set $i4
        local.get $i4
        f32.load offset=256
        local.set $f5
        local.get $f6
        local.get $f5
        f32.add
        local.set $f6
        local.get $i1
        i32.const 1
        i32.add
        local.tee $i1
        i32.const 8
        i32.lt_s
        br_if $loop1
      end $loop1
      local.get $i2
      local.get $f6
      f32.store offset=320
      local.get $i0
      i32.const 1
      i32.add
      local.tee $i0
      i32.const 2
      i32.lt_s
      br_if $loop0
    end $loop0
  )
  (func $kernel6 (type $t4)
    (local $i0 i32) (local $i1 i32) (local $v2 v128) (local $v3 v128) (local $f4 f32) (local $v5 v128) (local $v6 v128) (local $v7 v128)
    (local $i8 i32) (local $i9 i32) (local $f10 f32) (local $f11 f32) (local $f12 f32) (local $f13 f32)
    f32.const 0.1
    local.set $f4
    local.get $f4
    f32x4.splat
    local.set $v5
    i32.const 0
    local.set $i0
    local.get $i0
    i32.const 4
    i32.mul
    local.set $i1
    local.get $i1
    v128.load offset=512 align=4
    local.set $v2
    local.get $i1
    v128.load offset=384 align=4
    local.set $v3
    local.get $v3
    local.get $v5
    f32x4.mul
    local.set $v6
    local.get $v2
    local.get $v6
    f32x4.sub
    local.set $v7
    local.get $i1
    local.get $v7
    v128.store offset=512 align=4
    i32.const 4
    local.set $i8
    loop $loop0
      local.get $i8
      i32.const 4
      i32.mul
      local.set $i9
      local.get $i9
      f32.load offset=512
      local.set $f10
      local.get $i9
      f32.load offset=384
      local.set $f11
      local.get $f11
      local.get $f4
      f32.mul
      local.set $f12
      local.get $f10
      local.get $f12
      f32.sub
      local.set $f13
      local.get $i9
      local.get $f13
      f32.store offset=512
      local.get $i8
      i32.const 1
      i32.add
      local.tee $i8
      i32.const 6
      i32.lt_s
      br_if $loop0
    end $loop0
  )
  (func $assign7 (type $t4)
    i32.const 0
    i32.const 8
    i32.store
  )
  (func $kernel8 (type $t4)
    (local $i0 i32) (local $i1 i32) (local $f2 f32) (local $f3 f32) (local $f4 f32) (local $f5 f32) (local $f6 f32)
    f32.const 0.1
    local.set $f4
    i32.const 0
    local.set $i0
    loop $loop0
      local.get $i0
      i32.const 4
      i32.mul
      local.set $i1
      local.get $i1
      f32.load offset=576
      local.set $f2
      local.get $i1
      f32.load offset=320
      local.set $f3
      local.get $f3
      local.get $f4
      f32.mul
      local.set $f5
      local.get $f2
      local.get $f5
      f32.sub
      local.set $f6
      local.get $i1
      local.get $f6
      f32.store offset=576
      local.get $i0
      i32.const 1
      i32.add
      local.tee $i0
      i32.const 2
      i32.lt_s
      br_if $loop0
    end $loop0
  )
  (func $assign9 (type $t4)
    i32.const 0
    i32.const 10
    i32.store
  )
  (func $run (type $t0) (param $p0 i32)
    local.get $p0
    if $if0
      i32.const 0
      call $poll
    end $if0
    i32.const 64
    i32.const 512
    i32.const 256
    i32.const 64
    i32.const 0
    i32.const 8
    call $matmul_float32_8x3x2
    local.get $p0
    if $if1
      i32.const 1
      call $poll
    end $if1
    call $kernel1
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
    call $kernel3
    local.get $p0
    if $if4
      i32.const 4
      call $poll
    end $if4
    call $kernel4
    local.get $p0
    if $if5
      i32.const 5
      call $poll
    end $if5
    i32.const 64
    i32.const 256
    i32.const 384
    i32.const 64
    i32.const 0
    i32.const 3
    call $matmul_float32_3x8x2_ta
    local.get $p0
    if $if6
      i32.const 6
      call $poll
    end $if6
    call $kernel6
    local.get $p0
    if $if7
      i32.const 7
      call $poll
    end $if7
    call $assign7
    local.get $p0
    if $if8
      i32.const 8
      call $poll
    end $if8
    call $kernel8
    local.get $p0
    if $if9
      i32.const 9
      call $poll
    end $if9
    call $assign9
  )
  (export "run" (func $run))
)
