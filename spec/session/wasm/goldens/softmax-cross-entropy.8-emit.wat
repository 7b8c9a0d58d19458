;; 448–460 constant float32[3, 1] = 1, 1, 1
(module
  (type $t0 (func (param i32)))
  (type $t1 (func (param i32 i32)))
  (type $t2 (func (param i32 f64)))
  (type $t3 (func))
  (type $t4 (func (param v128) (result v128)))
  (import "env" "host" (func $host (type $t0)))
  (import "env" "poll" (func $poll (type $t0)))
  (import "env" "share" (func $share (type $t1)))
  (import "env" "place" (func $place (type $t0)))
  (import "env" "fail" (func $fail (type $t2)))
  (import "env" "divide" (func $divide (type $t0)))
  (import "env" "memory" (memory 1))
  (func $kernel0 (type $t3)
    (local $i0 i32) (local $i1 i32) (local $i2 i32) (local $i3 i32) (local $i4 i32) (local $v5 v128) (local $v6 v128) (local $f7 f32)
    (local $i8 i32) (local $i9 i32) (local $i10 i32) (local $f11 f32) (local $i12 i32) (local $f13 f32)
    i32.const 0
    local.set $i0
    loop $loop0
      local.get $i0
      i32.const 20
      i32.mul
      local.set $i2
      f32.const -inf
      f32x4.splat
      local.set $v6
      i32.const 0
      local.set $i1
      local.get $i1
      i32.const 4
      i32.mul
      local.set $i3
      local.get $i2
      local.get $i3
      i32.add
      local.set $i4
      local.get $i4
      v128.load offset=64 align=4
      local.set $v5
      local.get $v6
      local.get $v5
      local.get $v6
      local.get $v5
      f32x4.gt
      local.get $v6
      local.get $v6
      f32x4.ne
      v128.or
      v128.bitselect
      local.set $v6
      local.get $v6
      f32x4.extract_lane 0
      local.set $f7
      local.get $v6
      f32x4.extract_lane 1
      local.set $f13
      local.get $f7
      local.get $f13
      local.get $f7
      local.get $f13
      f32.gt
      local.get $f7
      local.get $f7
      f32.ne
      i32.or
      select
      local.set $f7
      local.get $v6
      f32x4.extract_lane 2
      local.set $f13
      local.get $f7
      local.get $f13
      local.get $f7
      local.get $f13
      f32.gt
      local.get $f7
      local.get $f7
      f32.ne
      i32.or
      select
      local.set $f7
      local.get $v6
      f32x4.extract_lane 3
      local.set $f13
      local.get $f7
      local.get $f13
      local.get $f7
      local.get $f13
      f32.gt
      local.get $f7
      local.get $f7
      f32.ne
      i32.or
      select
      local.set $f7
      i32.const 4
      local.set $i8
      local.get $i8
      i32.const 4
      i32.mul
      local.set $i9
      local.get $i2
      local.get $i9
      i32.add
      local.set $i10
      local.get $i10
      f32.load offset=64
      local.set $f11
      local.get $f7
      local.get $f11
      local.get $f7
      local.get $f11
      f32.gt
      local.get $f7
      local.get $f7
      f32.ne
      i32.or
      select
      local.set $f7
      local.get $i0
      i32.const 4
      i32.mul
      local.set $i12
      local.get $i12
      local.get $f7
      f32.store offset=192
      local.get $i0
      i32.const 1
      i32.add
      local.tee $i0
      i32.const 3
      i32.lt_s
      br_if $loop0
    end $loop0
  )
  (func $kernel1 (type $t3)
    (local $i0 i32) (local $i1 i32) (local $i2 i32) (local $i3 i32) (local $i4 i32) (local $v5 v128) (local $i6 i32) (local $f7 f32)
    (local $v8 v128) (local $v9 v128) (local $v10 v128) (local $i11 i32) (local $i12 i32) (local $i13 i32) (local $f14 f32) (local $f15 f32)
    (local $f16 f32)
    i32.const 0
    local.set $i0
    loop $loop0
      local.get $i0
      i32.const 20
      i32.mul
      local.set $i2
      local.get $i0
      i32.const 4
      i32.mul
      local.set $i6
      local.get $i6
      f32.load offset=192
      local.set $f7
      local.get $f7
      f32x4.splat
      local.set $v8
      i32.const 0
      local.set $i1
      local.get $i1
      i32.const 4
      i32.mul
      local.set $i3
      local.get $i2
      local.get $i3
      i32.add
      local.set $i4
      local.get $i4
      v128.load offset=64 align=4
      local.set $v5
      local.get $v5
      local.get $v8
      f32x4.sub
      local.set $v9
      local.get $v9
      call $exp.float32
      local.set $v10
      local.get $i4
      local.get $v10
      v128.store offset=256 align=4
      i32.const 4
      local.set $i11
      local.get $i11
      i32.const 4
      i32.mul
      local.set $i12
      local.get $i2
      local.get $i12
      i32.add
      local.set $i13
      local.get $i13
      f32.load offset=64
      local.set $f14
      local.get $f14
      local.get $f7
      f32.sub
      local.set $f15
      local.get $f15
      f32x4.splat
      call $exp.float32
      f32x4.extract_lane 0
      local.set $f16
      local.get $i13
      local.get $f16
      f32.store offset=256
      local.get $i0
      i32.const 1
      i32.add
      local.tee $i0
      i32.const 3
      i32.lt_s
      br_if $loop0
    end $loop0
  )
  (func $exp.float32 (type $t4) (param $p0 v128) (result v128)
    (local $v1 v128) (local $v2 v128) (local $v3 v128) (local $v4 v128) (local $v5 v128) (local $v6 v128) (local $v7 v128) (local $v8 v128)
    (local $v9 v128)
    local.get $p0
    v128.const f32x4 1.442695 1.442695 1.442695 1.442695
    f32x4.mul
    v128.const f32x4 12582912 12582912 12582912 12582912
    f32x4.add
    local.set $v1
    local.get $v1
    v128.const f32x4 12582912 12582912 12582912 12582912
    f32x4.sub
    local.set $v2
    local.get $p0
    local.get $v2
    v128.const f32x4 0.69314575 0.69314575 0.69314575 0.69314575
    f32x4.mul
    f32x4.sub
    local.set $v3
    local.get $v2
    v128.const f32x4 0.0000014286068 0.0000014286068 0.0000014286068 0.0000014286068
    f32x4.mul
    local.set $v4
    local.get $v3
    local.get $v4
    f32x4.sub
    local.set $v5
    local.get $v5
    local.get $v5
    f32x4.mul
    local.set $v6
    local.get $v6
    local.set $v7
    local.get $v7
    local.get $v7
    f32x4.mul
    local.set $v8
    local.get $v5
    local.get $v6
    local.get $v8
    v128.const f32x4 0.001384387 0.001384387 0.001384387 0.001384387
    f32x4.mul
    local.get $v7
    local.get $v5
    v128.const f32x4 0.008369549 0.008369549 0.008369549 0.008369549
    f32x4.mul
    v128.const f32x4 0.04166806 0.04166806 0.04166806 0.04166806
    f32x4.add
    f32x4.mul
    local.get $v5
    v128.const f32x4 0.16666514 0.16666514 0.16666514 0.16666514
    f32x4.mul
    v128.const f32x4 0.49999994 0.49999994 0.49999994 0.49999994
    f32x4.add
    f32x4.add
    f32x4.add
    f32x4.mul
    f32x4.add
    v128.const f32x4 1 1 1 1
    f32x4.add
    local.get $v1
    i32.const 23
    i32x4.shl
    i32x4.add
    local.set $v9
    local.get $p0
    f32x4.abs
    v128.const f32x4 87 87 87 87
    i32x4.gt_s
    v128.any_true
    if $if0
      local.get $p0
      call $exp.wide.float32
      local.set $v9
    end $if0
    local.get $v9
  )
  (func $exp.wide.float32 (type $t4) (param $p0 v128) (result v128)
    (local $v1 v128) (local $v2 v128) (local $v3 v128) (local $v4 v128) (local $v5 v128) (local $v6 v128) (local $v7 v128) (local $v8 v128)
    (local $v9 v128) (local $v10 v128) (local $v11 v128)
    local.get $p0
    v128.const f32x4 89 89 89 89
    f32x4.pmin
    v128.const f32x4 -104 -104 -104 -104
    f32x4.pmax
    local.set $v1
    local.get $v1
    v128.const f32x4 1.442695 1.442695 1.442695 1.442695
    f32x4.mul
    v128.const f32x4 12582912 12582912 12582912 12582912
    f32x4.add
    local.set $v2
    local.get $v2
    v128.const f32x4 12582912 12582912 12582912 12582912
    f32x4.sub
    local.set $v3
    local.get $v1
    local.get $v3
    v128.const f32x4 0.69314575 0.69314575 0.69314575 0.69314575
    f32x4.mul
    f32x4.sub
    local.set $v4
    local.get $v3
    v128.const f32x4 0.0000014286068 0.0000014286068 0.0000014286068 0.0000014286068
    f32x4.mul
    local.set $v5
    local.get $v4
    local.get $v5
    f32x4.sub
    local.set $v6
    local.get $v6
    local.get $v6
    f32x4.mul
    local.set $v7
    local.get $v7
    local.set $v8
    local.get $v8
    local.get $v8
    f32x4.mul
    local.set $v9
    local.get $v2
    v128.const f32x4 12582912 12582912 12582912 12582912
    i32x4.sub
    local.set $v10
    local.get $v10
    i32.const 1
    i32x4.shr_s
    local.set $v11
    local.get $v6
    local.get $v7
    local.get $v9
    v128.const f32x4 0.001384387 0.001384387 0.001384387 0.001384387
    f32x4.mul
    local.get $v8
    local.get $v6
    v128.const f32x4 0.008369549 0.008369549 0.008369549 0.008369549
    f32x4.mul
    v128.const f32x4 0.04166806 0.04166806 0.04166806 0.04166806
    f32x4.add
    f32x4.mul
    local.get $v6
    v128.const f32x4 0.16666514 0.16666514 0.16666514 0.16666514
    f32x4.mul
    v128.const f32x4 0.49999994 0.49999994 0.49999994 0.49999994
    f32x4.add
    f32x4.add
    f32x4.add
    f32x4.mul
    f32x4.add
    v128.const f32x4 1 1 1 1
    f32x4.add
    v128.const f32x4 1 1 1 1
    local.get $v11
    i32.const 23
    i32x4.shl
    i32x4.add
    f32x4.mul
    v128.const f32x4 1 1 1 1
    local.get $v10
    local.get $v11
    i32x4.sub
    i32.const 23
    i32x4.shl
    i32x4.add
    f32x4.mul
  )
  (func $kernel2 (type $t3)
    (local $i0 i32) (local $i1 i32) (local $i2 i32) (local $i3 i32) (local $i4 i32) (local $v5 v128) (local $v6 v128) (local $f7 f32)
    (local $i8 i32) (local $i9 i32) (local $i10 i32) (local $f11 f32) (local $i12 i32) (local $f13 f32)
    i32.const 0
    local.set $i0
    loop $loop0
      local.get $i0
      i32.const 20
      i32.mul
      local.set $i2
      f32.const 0
      f32x4.splat
      local.set $v6
      i32.const 0
      local.set $i1
      local.get $i1
      i32.const 4
      i32.mul
      local.set $i3
      local.get $i2
      local.get $i3
      i32.add
      local.set $i4
      local.get $i4
      v128.load offset=256 align=4
      local.set $v5
      local.get $v6
      local.get $v5
      f32x4.add
      local.set $v6
      local.get $v6
      f32x4.extract_lane 0
      local.set $f7
      local.get $v6
      f32x4.extract_lane 1
      local.set $f13
      local.get $f7
      local.get $f13
      f32.add
      local.set $f7
      local.get $v6
      f32x4.extract_lane 2
      local.set $f13
      local.get $f7
      local.get $f13
      f32.add
      local.set $f7
      local.get $v6
      f32x4.extract_lane 3
      local.set $f13
      local.get $f7
      local.get $f13
      f32.add
      local.set $f7
      i32.const 4
      local.set $i8
      local.get $i8
      i32.const 4
      i32.mul
      local.set $i9
      local.get $i2
      local.get $i9
      i32.add
      local.set $i10
      local.get $i10
      f32.load offset=256
      local.set $f11
      local.get $f7
      local.get $f11
      f32.add
      local.set $f7
      local.get $i0
      i32.const 4
      i32.mul
      local.set $i12
      local.get $i12
      local.get $f7
      f32.store offset=320
      local.get $i0
      i32.const 1
      i32.add
      local.tee $i0
      i32.const 3
      i32.lt_s
      br_if $loop0
    end $loop0
  )
  (func $kernel3 (type $t3)
    (local $i0 i32) (local $i1 i32) (local $i2 i32) (local $i3 i32) (local $i4 i32) (local $v5 v128) (local $i6 i32) (local $f7 f32)
    (local $f8 f32) (local $v9 v128) (local $f10 f32) (local $v11 v128) (local $v12 v128) (local $v13 v128) (local $v14 v128) (local $v15 v128)
    (local $v16 v128) (local $f17 f32) (local $i18 i32) (local $i19 i32) (local $i20 i32) (local $f21 f32) (local $f22 f32) (local $f23 f32)
    (local $f24 f32) (local $f25 f32) (local $f26 f32)
    i32.const 0
    local.set $i0
    loop $loop0
      local.get $i0
      i32.const 20
      i32.mul
      local.set $i2
      local.get $i0
      i32.const 4
      i32.mul
      local.set $i6
      local.get $i6
      f32.load offset=320
      local.set $f7
      local.get $f7
      f32x4.splat
      call $log.float32
      f32x4.extract_lane 0
      local.set $f8
      local.get $i6
      f32.load offset=192
      local.set $f10
      local.get $f10
      f32x4.splat
      local.set $v11
      local.get $f8
      f32x4.splat
      local.set $v13
      f32.const 0
      f32x4.splat
      local.set $v16
      i32.const 0
      local.set $i1
      local.get $i1
      i32.const 4
      i32.mul
      local.set $i3
      local.get $i2
      local.get $i3
      i32.add
      local.set $i4
      local.get $i4
      v128.load offset=128 align=4
      local.set $v5
      local.get $i4
      v128.load offset=64 align=4
      local.set $v9
      local.get $v9
      local.get $v11
      f32x4.sub
      local.set $v12
      local.get $v13
      local.get $v12
      f32x4.sub
      local.set $v14
      local.get $v5
      local.get $v14
      f32x4.mul
      local.set $v15
      local.get $v16
      local.get $v15
      f32x4.add
      local.set $v16
      local.get $v16
      f32x4.extract_lane 0
      local.set $f17
      local.get $v16
      f32x4.extract_lane 1
      local.set $f26
      local.get $f17
      local.get $f26
      f32.add
      local.set $f17
      local.get $v16
      f32x4.extract_lane 2
      local.set $f26
      local.get $f17
      local.get $f26
      f32.add
      local.set $f17
      local.get $v16
      f32x4.extract_lane 3
      local.set $f26
      local.get $f17
      local.get $f26
      f32.add
      local.set $f17
      i32.const 4
      local.set $i18
      local.get $i18
      i32.const 4
      i32.mul
      local.set $i19
      local.get $i2
      local.get $i19
      i32.add
      local.set $i20
      local.get $i20
      f32.load offset=128
      local.set $f21
      local.get $i20
      f32.load offset=64
      local.set $f22
      local.get $f22
      local.get $f10
      f32.sub
      local.set $f23
      local.get $f8
      local.get $f23
      f32.sub
      local.set $f24
      local.get $f21
      local.get $f24
      f32.mul
      local.set $f25
      local.get $f17
      local.get $f25
      f32.add
      local.set $f17
      local.get $i6
      local.get $f17
      f32.store offset=384
      local.get $i0
      i32.const 1
      i32.add
      local.tee $i0
      i32.const 3
      i32.lt_s
      br_if $loop0
    end $loop0
  )
  (func $log.float32 (type $t4) (param $p0 v128) (result v128)
    (local $v1 v128) (local $v2 v128) (local $v3 v128) (local $v4 v128) (local $v5 v128) (local $v6 v128) (local $v7 v128) (local $v8 v128)
    (local $v9 v128)
    local.get $p0
    v128.const f32x4 0.70710677 0.70710677 0.70710677 0.70710677
    i32x4.sub
    local.set $v1
    local.get $v1
    v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000
    v128.and
    local.set $v2
    local.get $v1
    i32.const 23
    i32x4.shr_s
    f32x4.convert_i32x4_s
    local.set $v3
    local.get $p0
    local.get $v2
    i32x4.sub
    v128.const f32x4 1 1 1 1
    f32x4.sub
    local.set $v4
    local.get $v4
    local.get $v4
    v128.const f32x4 2 2 2 2
    f32x4.add
    f32x4.div
    local.set $v5
    local.get $v5
    local.get $v5
    f32x4.mul
    local.set $v6
    local.get $v4
    local.get $v4
    f32x4.mul
    v128.const f32x4 0.5 0.5 0.5 0.5
    f32x4.mul
    local.set $v7
    local.get $v6
    local.get $v6
    f32x4.mul
    local.set $v8
    local.get $v3
    v128.const f32x4 0.69314575 0.69314575 0.69314575 0.69314575
    f32x4.mul
    local.get $v7
    local.get $v5
    local.get $v7
    local.get $v6
    local.get $v8
    v128.const f32x4 0.2987106 0.2987106 0.2987106 0.2987106
    f32x4.mul
    local.get $v6
    v128.const f32x4 0.39977577 0.39977577 0.39977577 0.39977577
    f32x4.mul
    v128.const f32x4 0.66666776 0.66666776 0.66666776 0.66666776
    f32x4.add
    f32x4.add
    f32x4.mul
    f32x4.add
    f32x4.mul
    local.get $v3
    v128.const f32x4 0.0000014286068 0.0000014286068 0.0000014286068 0.0000014286068
    f32x4.mul
    f32x4.add
    f32x4.sub
    local.get $v4
    f32x4.sub
    f32x4.sub
    local.set $v9
    local.get $p0
    v128.const i32x4 0x7f7fffff 0x7f7fffff 0x7f7fffff 0x7f7fffff
    i32x4.gt_s
    v128.const i32x4 0x00800000 0x00800000 0x00800000 0x00800000
    local.get $p0
    i32x4.gt_s
    v128.or
    v128.any_true
    if $if0
      local.get $p0
      call $log.wide.float32
      local.set $v9
    end $if0
    local.get $v9
  )
  (func $log.wide.float32 (type $t4) (param $p0 v128) (result v128)
    (local $v1 v128) (local $v2 v128) (local $v3 v128) (local $v4 v128) (local $v5 v128) (local $v6 v128) (local $v7 v128) (local $v8 v128)
    (local $v9 v128) (local $v10 v128) (local $v11 v128) (local $v12 v128)
    local.get $p0
    v128.const i32x4 0x00800000 0x00800000 0x00800000 0x00800000
    f32x4.lt
    local.set $v1
    local.get $p0
    v128.const f32x4 33554432 33554432 33554432 33554432
    f32x4.mul
    local.get $p0
    local.get $v1
    v128.bitselect
    local.set $v2
    local.get $v2
    v128.const f32x4 0.70710677 0.70710677 0.70710677 0.70710677
    i32x4.sub
    local.set $v3
    local.get $v3
    v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000
    v128.and
    local.set $v4
    local.get $v3
    i32.const 23
    i32x4.shr_s
    f32x4.convert_i32x4_s
    local.set $v5
    local.get $v5
    v128.const f32x4 25 25 25 25
    local.get $v1
    v128.and
    f32x4.sub
    local.set $v6
    local.get $v2
    local.get $v4
    i32x4.sub
    v128.const f32x4 1 1 1 1
    f32x4.sub
    local.set $v7
    local.get $v7
    local.get $v7
    v128.const f32x4 2 2 2 2
    f32x4.add
    f32x4.div
    local.set $v8
    local.get $v8
    local.get $v8
    f32x4.mul
    local.set $v9
    local.get $v7
    local.get $v7
    f32x4.mul
    v128.const f32x4 0.5 0.5 0.5 0.5
    f32x4.mul
    local.set $v10
    local.get $v9
    local.get $v9
    f32x4.mul
    local.set $v11
    local.get $v6
    v128.const f32x4 0.69314575 0.69314575 0.69314575 0.69314575
    f32x4.mul
    local.get $v10
    local.get $v8
    local.get $v10
    local.get $v9
    local.get $v11
    v128.const f32x4 0.2987106 0.2987106 0.2987106 0.2987106
    f32x4.mul
    local.get $v9
    v128.const f32x4 0.39977577 0.39977577 0.39977577 0.39977577
    f32x4.mul
    v128.const f32x4 0.66666776 0.66666776 0.66666776 0.66666776
    f32x4.add
    f32x4.add
    f32x4.mul
    f32x4.add
    f32x4.mul
    local.get $v6
    v128.const f32x4 0.0000014286068 0.0000014286068 0.0000014286068 0.0000014286068
    f32x4.mul
    f32x4.add
    f32x4.sub
    local.get $v7
    f32x4.sub
    f32x4.sub
    local.set $v12
    v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000
    local.get $p0
    f32x4.sqrt
    local.get $p0
    v128.const i32x4 0 0 0 0
    f32x4.eq
    v128.bitselect
    local.get $v12
    local.get $v2
    v128.const i32x4 0x7f7fffff 0x7f7fffff 0x7f7fffff 0x7f7fffff
    i32x4.gt_s
    v128.const i32x4 0x00800000 0x00800000 0x00800000 0x00800000
    local.get $v2
    i32x4.gt_s
    v128.or
    v128.bitselect
  )
  (func $kernel4 (type $t3)
    (local $i0 i32) (local $i1 i32) (local $i2 i32) (local $i3 i32) (local $i4 i32) (local $v5 v128) (local $i6 i32) (local $f7 f32)
    (local $v8 v128) (local $v9 v128) (local $v10 v128) (local $v11 v128) (local $v12 v128) (local $f13 f32) (local $v14 v128) (local $v15 v128)
    (local $i16 i32) (local $i17 i32) (local $i18 i32) (local $f19 f32) (local $f20 f32) (local $f21 f32) (local $f22 f32) (local $f23 f32)
    (local $f24 f32)
    i32.const 0
    local.set $i0
    loop $loop0
      local.get $i0
      i32.const 20
      i32.mul
      local.set $i2
      local.get $i0
      i32.const 4
      i32.mul
      local.set $i6
      local.get $i6
      f32.load offset=320
      local.set $f7
      local.get $f7
      f32x4.splat
      local.set $v8
      local.get $i6
      f32.load offset=448
      local.set $f13
      local.get $f13
      f32x4.splat
      local.set $v14
      i32.const 0
      local.set $i1
      local.get $i1
      i32.const 4
      i32.mul
      local.set $i3
      local.get $i2
      local.get $i3
      i32.add
      local.set $i4
      local.get $i4
      v128.load offset=256 align=4
      local.set $v5
      local.get $v5
      local.get $v8
      f32x4.div
      local.set $v9
      local.get $i4
      v128.load offset=128 align=4
      local.set $v10
      local.get $v9
      local.get $v10
      f32x4.sub
      local.set $v11
      local.get $v5
      local.get $v8
      f32x4.div
      local.set $v12
      local.get $i4
      local.get $v12
      v128.store offset=64 align=4
      local.get $v14
      local.get $v11
      f32x4.mul
      local.set $v15
      local.get $i4
      local.get $v15
      v128.store offset=192 align=4
      i32.const 4
      local.set $i16
      local.get $i16
      i32.const 4
      i32.mul
      local.set $i17
      local.get $i2
      local.get $i17
      i32.add
      local.set $i18
      local.get $i18
      f32.load offset=256
      local.set $f19
      local.get $f19
      local.get $f7
      f32.div
      local.set $f20
      local.get $i18
      f32.load offset=128
      local.set $f21
      local.get $f20
      local.get $f21
      f32.sub
      local.set $f22
      local.get $f19
      local.get $f7
      f32.div
      local.set $f23
      local.get $i18
      local.get $f23
      f32.store offset=64
      local.get $f13
      local.get $f22
      f32.mul
      local.set $f24
      local.get $i18
      local.get $f24
      f32.store offset=192
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
  )
  (export "run" (func $run))
)
