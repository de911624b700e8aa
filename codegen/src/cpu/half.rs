//! Halves on the CPU: 16 bits in memory, and in registers the same bits as an i32.
//!
//! So what only moves halves moves their bits, and arithmetic is done behind a cast to f32. Cranelift's own
//! f16 has no code on x86-64; the conversions here are integer instructions on every host, of one lane or
//! several, exact, and do not depend on whether the processor takes subnormal numbers for zeros: those of
//! f16 are made from normal numbers of f32.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use sinew_ir::DType;

use super::EmitError;
use super::frame::Frame;
use super::intrinsic::Intrinsic;
use super::lanes::Lanes;

/// 2^-14, the least normal number of f16, as an f32.
const LEAST: u32 = 0x3880_0000;
/// 0.5, beside which an f32 has steps of 2^-24, as subnormal numbers of f16 have.
const BESIDE: u32 = 0x3f00_0000;
/// 65520, halfway from the greatest number of f16 to the next there would be.
const BEYOND: u32 = 0x477f_f000;
/// Infinity as an f32; what is above is NaN.
const INFINITE: u32 = 0x7f80_0000;
/// From the exponent of an f16 to that of an f32, in place.
const BIAS: u32 = 112 << 23;

impl Frame<'_> {
    /// A half as an f32.
    pub(super) fn half_to_f32(
        &mut self,
        bits: Value,
        from: DType,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let floats = self.ty(DType::F32, lanes)?;
        if from == DType::Bf16 {
            let word = self.up(bits, 16);
            return Ok(self.cast_bits(word, floats));
        }
        let sign = self.masked_bits(bits, 0x8000, lanes)?;
        let sign = self.up(sign, 16);
        let size = self.masked_bits(bits, 0x7fff, lanes)?;
        let size = self.up(size, 13);
        let normal = self.plus(size, BIAS, lanes)?;
        // Infinity and NaN have the greatest exponent of either type.
        let special = self.plus(size, 2 * BIAS, lanes)?;
        // 2^-14 with the significand behind it, less 2^-14.
        let least = self.word(LEAST, lanes)?;
        let above = self.plus(size, LEAST, lanes)?;
        let (above, least) = (self.cast_bits(above, floats), self.cast_bits(least, floats));
        let below = self.b.ins().fsub(above, least);
        let integers = self.ty(DType::U32, lanes)?;
        let below = self.cast_bits(below, integers);
        let word = self.above(size, (1 << 23) - 1, (normal, below), lanes)?;
        let word = self.above(size, (31 << 23) - 1, (special, word), lanes)?;
        let word = self.b.ins().bor(word, sign);
        Ok(self.cast_bits(word, floats))
    }

    /// An f32 as the nearest half.
    pub(super) fn f32_to_half(
        &mut self,
        x: Value,
        to: DType,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let integers = self.ty(DType::U32, lanes)?;
        let word = self.cast_bits(x, integers);
        let size = self.masked_bits(word, 0x7fff_ffff, lanes)?;
        let upper = self.down(word, 16);
        if to == DType::Bf16 {
            let rounded = self.rounded(word, 16, lanes)?;
            // One that stays one.
            let quiet = self.word(0x40, lanes)?;
            let nan = self.b.ins().bor(upper, quiet);
            return self.above(size, INFINITE, (nan, rounded), lanes);
        }
        let sign = self.masked_bits(upper, 0x8000, lanes)?;
        let normal = self.rounded(size, 13, lanes)?;
        let normal = self.plus(normal, (BIAS >> 13).wrapping_neg(), lanes)?;
        // The sum is rounded to a multiple of 2^-24, whose number is in its last bits.
        let floats = self.ty(DType::F32, lanes)?;
        let beside = self.word(BESIDE, lanes)?;
        let (small, beside) = (self.cast_bits(size, floats), self.cast_bits(beside, floats));
        let sum = self.b.ins().fadd(small, beside);
        let sum = self.cast_bits(sum, integers);
        let below = self.plus(sum, BESIDE.wrapping_neg(), lanes)?;
        let infinite = self.word(0x7c00, lanes)?;
        let nan = self.word(0x7e00, lanes)?;
        let bits = self.above(size, LEAST - 1, (normal, below), lanes)?;
        let bits = self.above(size, BEYOND - 1, (infinite, bits), lanes)?;
        let bits = self.above(size, INFINITE, (nan, bits), lanes)?;
        Ok(self.b.ins().bor(bits, sign))
    }

    /// One half from memory.
    pub(super) fn load_half(&mut self, flags: MemFlagsData, address: Value, offset: i32) -> Value {
        let b = &mut self.b;
        b.ins().uload16(types::I32, flags, address, offset)
    }

    /// Halves that lie side by side; lanes that do not count are zero.
    pub(super) fn load_halves(
        &mut self,
        flags: MemFlagsData,
        address: Value,
        offset: i32,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        if lanes.count == 1 || lanes.active < lanes.count {
            return self.gather(DType::U32, lanes, &mut |f, lane| {
                Ok(f.load_half(flags, address, offset + 2 * lane as i32))
            });
        }
        if lanes.is_wide() {
            let address = self.b.ins().iadd_imm_s(address, i64::from(offset));
            let ty = self.ty(DType::U32, lanes)?;
            return Ok(self.intrinsic(Intrinsic::LoadHalves, &[address], Some(ty)));
        }
        let four = self.b.ins().load(types::I64, flags, address, offset);
        let four = self.b.ins().scalar_to_vector(types::I64X2, four);
        let four = self.cast_bits(four, types::I16X8);
        Ok(self.b.ins().uwiden_low(four))
    }

    /// Stores the active lanes side by side.
    pub(super) fn store_halves(
        &mut self,
        value: Value,
        flags: MemFlagsData,
        address: Value,
        offset: i32,
        lanes: Lanes,
    ) {
        if lanes.count == 1 || lanes.active < lanes.count {
            for lane in 0..lanes.active {
                let half = self.lane(value, DType::U32, lanes, lane);
                self.store_half(half, flags, address, offset + 2 * lane as i32);
            }
            return;
        }
        if lanes.is_wide() {
            let address = self.b.ins().iadd_imm_s(address, i64::from(offset));
            self.intrinsic(Intrinsic::StoreHalves, &[value, address], None);
            return;
        }
        // With copies of the upper bit above, the instruction that saturates keeps the bits.
        let value = self.up(value, 16);
        let sixteen = self.b.ins().iconst(types::I32, 16);
        let value = self.b.ins().sshr(value, sixteen);
        let eight = self.b.ins().snarrow(value, value);
        let pairs = self.cast_bits(eight, types::F64X2);
        let four = self.b.ins().extractlane(pairs, 0u8);
        self.b.ins().store(flags, four, address, offset);
    }

    /// Stores one half.
    pub(super) fn store_half(
        &mut self,
        value: Value,
        flags: MemFlagsData,
        address: Value,
        offset: i32,
    ) {
        self.b.ins().istore16(flags, value, address, offset);
    }

    /// Without its last bits, of a tie to the even one.
    fn rounded(&mut self, word: Value, bits: u32, lanes: Lanes) -> Result<Value, EmitError> {
        let odd = self.down(word, bits);
        let odd = self.masked_bits(odd, 1, lanes)?;
        let more = self.plus(word, (1 << (bits - 1)) - 1, lanes)?;
        let more = self.b.ins().iadd(more, odd);
        Ok(self.down(more, bits))
    }

    /// The first of two where a word of 31 bits is above a limit, else the second.
    fn above(
        &mut self,
        word: Value,
        limit: u32,
        (above, below): (Value, Value),
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let limit = self.word(limit, lanes)?;
        let test = self.b.ins().icmp(IntCC::SignedGreaterThan, word, limit);
        Ok(self.choose(test, above, below, lanes))
    }

    fn word(&mut self, bits: u32, lanes: Lanes) -> Result<Value, EmitError> {
        self.constant(f64::from(bits), DType::U32, lanes)
    }

    fn masked_bits(&mut self, word: Value, mask: u32, lanes: Lanes) -> Result<Value, EmitError> {
        let mask = self.word(mask, lanes)?;
        Ok(self.b.ins().band(word, mask))
    }

    fn plus(&mut self, word: Value, bits: u32, lanes: Lanes) -> Result<Value, EmitError> {
        let bits = self.word(bits, lanes)?;
        Ok(self.b.ins().iadd(word, bits))
    }

    fn up(&mut self, word: Value, bits: u32) -> Value {
        let count = self.b.ins().iconst(types::I32, i64::from(bits));
        self.b.ins().ishl(word, count)
    }

    fn down(&mut self, word: Value, bits: u32) -> Value {
        let count = self.b.ins().iconst(types::I32, i64::from(bits));
        self.b.ins().ushr(word, count)
    }
}
