(module
  (type $t0 (func (param i32)))
  (type $t1 (func (param i32 i32)))
  (type $t2 (func (param i32 f64)))
  (type $t3 (func (param i32 i32 i32 i32 i32 i32)))
  (type $t4 (func (param i32 i32 i32)))
  (import "env" "host" (func $host (type $t0)))
  (import "env" "poll" (func $poll (type $t0)))
  (import "env" "share" (func $share (type $t1)))
  (import "env" "place" (func $place (type $t0)))
  (import "env" "fail" (func $fail (type $t2)))
  (import "env" "divide" (func $divide (type $t0)))
  (import "env" "memory" (memory 1))
  (func $matmul_float32_64x16x16_panel0 (type $t3) (param $p0 i32) (param $p1 i32) (param $p2 i32) (param $p3 i32) (param $p4 i32) (param $p5 i32)
    (local $i6 i32) (local $v7 v128) (local $v8 v128) (local $v9 v128) (local $v10 v128) (local $v11 v128) (local $v12 v128) (local $v13 v128)
    (local $v14 v128) (local $i15 i32) (local $i16 i32) (local $v17 v128) (local $v18 v128) (local $v19 v128) (local $v20 v128) (local $v21 v128)
    (local $v22 v128)
    block $block0
      loop $loop1
        local.get $p4
        local.get $i6
        i32.sub
        i32.const 4
        i32.lt_s
        br_if $block0
        v128.const i32x4 0 0 0 0
        local.set $v7
        v128.const i32x4 0 0 0 0
        local.set $v8
        v128.const i32x4 0 0 0 0
        local.set $v9
        v128.const i32x4 0 0 0 0
        local.set $v10
        v128.const i32x4 0 0 0 0
        local.set $v11
        v128.const i32x4 0 0 0 0
        local.set $v12
        v128.const i32x4 0 0 0 0
        local.set $v13
        v128.const i32x4 0 0 0 0
        local.set $v14
        local.get $p0
        local.set $i15
        local.get $p1
        local.set $i16
        loop $loop2
          local.get $i16
          v128.load align=4
          local.set $v17
          local.get $i16
          v128.load offset=16 align=4
          local.set $v18
          local.get $i15
          v128.load32_splat
          local.set $v19
          local.get $v7
          local.get $v19
          local.get $v17
          f32x4.mul
          f32x4.add
          local.set $v7
          local.get $v8
          local.get $v19
          local.get $v18
          f32x4.mul
          f32x4.add
          local.set $v8
          local.get $i15
          v128.load32_splat offset=64
          local.set $v20
          local.get $v9
          local.get $v20
          local.get $v17
          f32x4.mul
          f32x4.add
          local.set $v9
          local.get $v10
          local.get $v20
          local.get $v18
          f32x4.mul
          f32x4.add
          local.set $v10
          local.get $i15
          v128.load32_splat offset=128
          local.set $v21
          local.get $v11
          local.get $v21
          local.get $v17
          f32x4.mul
          f32x4.add
          local.set $v11
          local.get $v12
          local.get $v21
          local.get $v18
          f32x4.mul
          f32x4.add
          local.set $v12
          local.get $i15
          v128.load32_splat offset=192
          local.set $v22
          local.get $v13
          local.get $v22
          local.get $v17
          f32x4.mul
          f32x4.add
          local.set $v13
          local.get $v14
          local.get $v22
          local.get $v18
          f32x4.mul
          f32x4.add
          local.set $v14
          local.get $i15
          i32.const 4
          i32.add
          local.set $i15
          local.get $i16
          i32.const 64
          i32.add
          local.set $i16
          local.get $i16
          local.get $p2
          i32.ne
          br_if $loop2
        end $loop2
        local.get $p3
        local.get $v7
        v128.store align=4
        local.get $p3
        local.get $v8
        v128.store offset=16 align=4
        local.get $p3
        local.get $v9
        v128.store offset=64 align=4
        local.get $p3
        local.get $v10
        v128.store offset=80 align=4
        local.get $p3
        local.get $v11
        v128.store offset=128 align=4
        local.get $p3
        local.get $v12
        v128.store offset=144 align=4
        local.get $p3
        local.get $v13
        v128.store offset=192 align=4
        local.get $p3
        local.get $v14
        v128.store offset=208 align=4
        local.get $p0
        i32.const 256
        i32.add
        local.set $p0
        local.get $p3
        i32.const 256
        i32.add
        local.set $p3
        local.get $i6
        i32.const 4
        i32.add
        local.set $i6
        br $loop1
      end $loop1
    end $block0
    local.get $p4
    local.get $i6
    i32.sub
    i32.const 3
    i32.eq
    if $if3
      v128.const i32x4 0 0 0 0
      local.set $v17
      v128.const i32x4 0 0 0 0
      local.set $v18
      v128.const i32x4 0 0 0 0
      local.set $v19
      v128.const i32x4 0 0 0 0
      local.set $v20
      v128.const i32x4 0 0 0 0
      local.set $v21
      v128.const i32x4 0 0 0 0
      local.set $v22
      local.get $p0
      local.set $i15
      local.get $p1
      local.set $i16
      loop $loop4
        local.get $i16
        v128.load align=4
        local.set $v7
        local.get $i16
        v128.load offset=16 align=4
        local.set $v8
        local.get $i15
        v128.load32_splat
        local.set $v9
        local.get $v17
        local.get $v9
        local.get $v7
        f32x4.mul
        f32x4.add
        local.set $v17
        local.get $v18
        local.get $v9
        local.get $v8
        f32x4.mul
        f32x4.add
        local.set $v18
        local.get $i15
        v128.load32_splat offset=64
        local.set $v10
        local.get $v19
        local.get $v10
        local.get $v7
        f32x4.mul
        f32x4.add
        local.set $v19
        local.get $v20
        local.get $v10
        local.get $v8
        f32x4.mul
        f32x4.add
        local.set $v20
        local.get $i15
        v128.load32_splat offset=128
        local.set $v11
        local.get $v21
        local.get $v11
        local.get $v7
        f32x4.mul
        f32x4.add
        local.set $v21
        local.get $v22
        local.get $v11
        local.get $v8
        f32x4.mul
        f32x4.add
        local.set $v22
        local.get $i15
        i32.const 4
        i32.add
        local.set $i15
        local.get $i16
        i32.const 64
        i32.add
        local.set $i16
        local.get $i16
        local.get $p2
        i32.ne
        br_if $loop4
      end $loop4
      local.get $p3
      local.get $v17
      v128.store align=4
      local.get $p3
      local.get $v18
      v128.store offset=16 align=4
      local.get $p3
      local.get $v19
      v128.store offset=64 align=4
      local.get $p3
      local.get $v20
      v128.store offset=80 align=4
      local.get $p3
      local.get $v21
      v128.store offset=128 align=4
      local.get $p3
      local.get $v22
      v128.store offset=144 align=4
    end $if3
    local.get $p4
    local.get $i6
    i32.sub
    i32.const 2
    i32.eq
    if $if5
      v128.const i32x4 0 0 0 0
      local.set $v12
      v128.const i32x4 0 0 0 0
      local.set $v13
      v128.const i32x4 0 0 0 0
      local.set $v14
      v128.const i32x4 0 0 0 0
      local.set $v7
      local.get $p0
      local.set $i15
      local.get $p1
      local.set $i16
      loop $loop6
        local.get $i16
        v128.load align=4
        local.set $v8
        local.get $i16
        v128.load offset=16 align=4
        local.set $v9
        local.get $i15
        v128.load32_splat
        local.set $v10
        local.get $v12
        local.get $v10
        local.get $v8
        f32x4.mul
        f32x4.add
        local.set $v12
        local.get $v13
        local.get $v10
        local.get $v9
        f32x4.mul
        f32x4.add
        local.set $v13
        local.get $i15
        v128.load32_splat offset=64
        local.set $v11
        local.get $v14
        local.get $v11
        local.get $v8
        f32x4.mul
        f32x4.add
        local.set $v14
        local.get $v7
        local.get $v11
        local.get $v9
        f32x4.mul
        f32x4.add
        local.set $v7
        local.get $i15
        i32.const 4
        i32.add
        local.set $i15
        local.get $i16
        i32.const 64
        i32.add
        local.set $i16
        local.get $i16
        local.get $p2
        i32.ne
        br_if $loop6
      end $loop6
      local.get $p3
      local.get $v12
      v128.store align=4
      local.get $p3
      local.get $v13
      v128.store offset=16 align=4
      local.get $p3
      local.get $v14
      v128.store offset=64 align=4
      local.get $p3
      local.get $v7
      v128.store offset=80 align=4
    end $if5
    local.get $p4
    local.get $i6
    i32.sub
    i32.const 1
    i32.eq
    if $if7
      v128.const i32x4 0 0 0 0
      local.set $v17
      v128.const i32x4 0 0 0 0
      local.set $v18
      local.get $p0
      local.set $i15
      local.get $p1
      local.set $i16
      loop $loop8
        local.get $i16
        v128.load align=4
        local.set $v19
        local.get $i16
        v128.load offset=16 align=4
        local.set $v20
        local.get $i15
        v128.load32_splat
        local.set $v21
        local.get $v17
        local.get $v21
        local.get $v19
        f32x4.mul
        f32x4.add
        local.set $v17
        local.get $v18
        local.get $v21
        local.get $v20
        f32x4.mul
        f32x4.add
        local.set $v18
        local.get $i15
        i32.const 4
        i32.add
        local.set $i15
        local.get $i16
        i32.const 64
        i32.add
        local.set $i16
        local.get $i16
        local.get $p2
        i32.ne
        br_if $loop8
      end $loop8
      local.get $p3
      local.get $v17
      v128.store align=4
      local.get $p3
      local.get $v18
      v128.store offset=16 align=4
    end $if7
  )
  (func $matmul_float32_64x16x16 (type $t3) (param $p0 i32) (param $p1 i32) (param $p2 i32) (param $p3 i32) (param $p4 i32) (param $p5 i32)
    (local $i6 i32) (local $i7 i32) (local $i8 i32) (local $i9 i32) (local $i10 i32) (local $i11 i32) (local $i12 i32) (local $i13 i32)
    (local $i14 i32) (local $i15 i32) (local $i16 i32) (local $i17 i32) (local $i18 i32)
    i32.const 16
    local.set $i10
    block $block0
      loop $loop1
        local.get $i10
        local.get $i6
        i32.sub
        local.tee $i7
        i32.eqz
        br_if $block0
        local.get $i7
        i32.const 16
        local.get $i7
        i32.const 16
        i32.lt_u
        select
        local.set $i7
        local.get $p4
        local.set $i8
        block $block2
          loop $loop3
            local.get $p5
            local.get $i8
            i32.sub
            local.tee $i9
            i32.eqz
            br_if $block2
            local.get $i9
            i32.const 64
            local.get $i9
            i32.const 64
            i32.lt_u
            select
            local.set $i9
            local.get $p0
            local.get $i6
            i32.const 4
            i32.mul
            i32.add
            local.set $i11
            local.get $i11
            local.get $i8
            i32.const 64
            i32.mul
            i32.add
            local.set $i11
            local.get $p1
            local.get $i6
            i32.const 64
            i32.mul
            i32.add
            local.set $i12
            local.get $p2
            local.get $i8
            i32.const 64
            i32.mul
            i32.add
            local.set $i13
            i32.const 0
            local.set $i14
            i32.const 16
            local.set $i15
            block $block4
              loop $loop5
                local.get $i15
                local.get $i14
                i32.sub
                i32.const 8
                i32.lt_s
                br_if $block4
                local.get $i12
                local.get $i14
                i32.const 4
                i32.mul
                i32.add
                local.set $i16
                local.get $i16
                local.get $i7
                i32.const 64
                i32.mul
                i32.add
                local.set $i18
                local.get $i11
                local.get $i16
                local.get $i18
                local.get $i13
                local.get $i14
                i32.const 4
                i32.mul
                i32.add
                local.set $i17
                local.get $i17
                local.get $i9
                local.get $i6
                call $matmul_float32_64x16x16_panel0
                local.get $i14
                i32.const 8
                i32.add
                local.set $i14
                br $loop5
              end $loop5
            end $block4
            local.get $i8
            local.get $i9
            i32.add
            local.set $i8
            br $loop3
          end $loop3
        end $block2
        local.get $i6
        local.get $i7
        i32.add
        local.set $i6
        br $loop1
      end $loop1
    end $block0
  )
  (func $kernel1 (type $t1) (param $p0 i32) (param $p1 i32)
    (local $i2 i32) (local $i3 i32) (local $i4 i32) (local $i5 i32) (local $i6 i32) (local $v7 v128) (local $v8 v128) (local $v9 v128)
    (local $f10 f32) (local $v11 v128) (local $v12 v128) (local $v13 v128)
    f32.const 0
    local.set $f10
    local.get $f10
    f32x4.splat
    local.set $v11
    local.get $p0
    local.tee $i2
    local.get $p1
    i32.lt_s
    if $if0
      loop $loop1
        local.get $i2
        i32.const 64
        i32.mul
        local.set $i4
        i32.const 0
        local.set $i3
        loop $loop2
          local.get $i3
          i32.const 4
          i32.mul
          local.set $i5
          local.get $i4
          local.get $i5
          i32.add
          local.set $i6
          local.get $i6
          v128.load offset=5248 align=4
          local.set $v7
          local.get $i5
          v128.load offset=5184 align=4
          local.set $v8
          local.get $v7
          local.get $v8
          f32x4.add
          local.set $v9
          local.get $v9
          local.get $v11
          f32x4.lt
          local.set $v12
          local.get $v11
          local.get $v9
          local.get $v12
          v128.bitselect
          local.set $v13
          local.get $i6
          local.get $v13
          v128.store offset=5248 align=4
          local.get $i3
          i32.const 4
          i32.add
          local.tee $i3
          i32.const 16
          i32.lt_s
          br_if $loop2
        end $loop2
        local.get $i2
        i32.const 1
        i32.add
        local.tee $i2
        local.get $p1
        i32.lt_s
        br_if $loop1
      end $loop1
    end $if0
  )
  (func $band0 (type $t4) (param $p0 i32) (param $p1 i32) (param $p2 i32)
    i32.const 64
    i32.const 4160
    i32.const 5248
    i32.const 64
    local.get $p0
    i32.const 0
    i32.mul
    i32.add
    local.get $p1
    i32.const 1
    i32.mul
    local.get $p2
    i32.const 1
    i32.mul
    call $matmul_float32_64x16x16
    local.get $p1
    i32.const 1
    i32.mul
    local.get $p2
    i32.const 1
    i32.mul
    call $kernel1
  )
  (func $run (type $t0) (param $p0 i32)
    local.get $p0
    if $if0
      i32.const 0
      call $poll
    end $if0
    i32.const 0
    i32.const 0
    i32.const 64
    call $band0
  )
  (export "run" (func $run))
)
