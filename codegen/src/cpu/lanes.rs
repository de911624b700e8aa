//! Registers of one or several lanes: types, constants, loads and stores along the vectorised dim.
//!
//! A scalar bool is an i8 of 0 or 1; a vector of bools is a mask with the lanes' width. In memory a
//! bool is a 32-bit 0 or 1. Halves are their bits, in registers as an i32 (`half`). Tails are vectors of
//! which only the first lanes are read and written.
//!
//! A vector of any width has one of CLIF's types of 128 bits: those are what Cranelift's optimiser knows, and
//! to it one lane is like another. What depends on the number of lanes is an intrinsic where they are more.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::types;
use cranelift_codegen::ir::{ConstantData, Endianness, InstBuilder, MemFlagsData, Type, Value};
use sinew_ir::DType;

use super::frame::Frame;
use super::index::{Index, certain};
use super::intrinsic::Intrinsic;
use super::{EmitError, Options};
use crate::kernel::{Access, Guard};

/// The shape of a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Lanes {
    /// Elements held: one, or as many of 4 bytes, or of 8, as a vector has room for.
    pub count: usize,
    /// Those that count, the first ones.
    pub active: usize,
    /// The space dim they run along; meaningless for one lane.
    pub dim: usize,
    /// Bytes of the vector; meaningless for one lane.
    pub bytes: usize,
}

impl Lanes {
    /// One element.
    pub(super) const ONE: Lanes = Lanes {
        count: 1,
        active: 1,
        dim: usize::MAX,
        bytes: 16,
    };

    /// So many elements, all of them, along a dim.
    pub(super) fn along(dim: usize, count: usize, options: &Options) -> Lanes {
        Lanes {
            count,
            active: count,
            dim,
            bytes: options.vector_bytes().unwrap_or(16),
        }
    }

    /// Bytes of a lane of a vector.
    fn width(self) -> usize {
        self.bytes / self.count
    }

    /// Whether Cranelift has no such vectors.
    pub(super) fn is_wide(self) -> bool {
        self.count > 1 && self.bytes > 16
    }

    fn stride(self, access: &Access) -> i64 {
        if self.count == 1 {
            0
        } else {
            access.strides.get(self.dim).copied().unwrap_or(0)
        }
    }
}

/// The type of one element in a register.
pub(super) fn scalar_type(dtype: DType) -> Option<Type> {
    match dtype {
        DType::Float => None,
        DType::F32 => Some(types::F32),
        DType::F64 => Some(types::F64),
        DType::I32 | DType::U32 | DType::F16 | DType::Bf16 => Some(types::I32),
        DType::Bool => Some(types::I8),
    }
}

/// The greatest distance of neighbours that wide vectors are put together over.
pub(super) const STRIDED: i64 = 4;

/// How a bitcast between vector types reads the lanes.
pub(super) fn lane_order() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little)
}

impl Frame<'_> {
    /// The type of a register.
    pub(super) fn ty(&self, dtype: DType, lanes: Lanes) -> Result<Type, EmitError> {
        let lane = match (dtype, scalar_type(dtype)) {
            (_, None) => return Err(self.unsupported("the working float type was not bound")),
            (_, Some(ty)) if lanes.count == 1 => return Ok(ty),
            (DType::Bool, Some(_)) if lanes.width() == 8 => types::I64,
            (DType::Bool, Some(_)) => types::I32,
            (_, Some(ty)) => ty,
        };
        let fits = lane.bytes() as usize == lanes.width();
        let vector = lane.by(16 / lane.bytes()).filter(|_| fits);
        vector.ok_or_else(|| self.unsupported(format!("{} lanes of {dtype}", lanes.count)))
    }

    /// A constant in every lane.
    pub(super) fn constant(
        &mut self,
        value: f64,
        dtype: DType,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let ty = self.ty(dtype, lanes)?;
        let integer = match dtype {
            DType::Float | DType::F32 => i64::from((value as f32).to_bits()),
            DType::F64 => value.to_bits() as i64,
            DType::F16 | DType::Bf16 => i64::from(dtype.half_bits(value)),
            DType::I32 => value as i64,
            DType::U32 => value as i64,
            DType::Bool if lanes.count == 1 => i64::from(value != 0.0),
            DType::Bool => -i64::from(value != 0.0),
        };
        if lanes.count == 1 {
            return Ok(match dtype {
                DType::Float | DType::F32 => {
                    self.b.ins().f32const(Ieee32::with_float(value as f32))
                }
                DType::F64 => self.b.ins().f64const(Ieee64::with_float(value)),
                DType::I32 | DType::U32 | DType::F16 | DType::Bf16 => {
                    self.b.ins().iconst(ty, i64::from(integer as u32))
                }
                DType::Bool => self.b.ins().iconst(ty, integer),
            });
        }
        Ok(self.every_lane(ty, integer))
    }

    /// The same bits in every lane.
    pub(super) fn every_lane(&mut self, ty: Type, bits: i64) -> Value {
        self.pattern(ty, |_| bits)
    }

    /// A constant of 128 bits from the bits of each lane.
    fn pattern(&mut self, ty: Type, bits: impl Fn(usize) -> i64) -> Value {
        let mut bytes = Vec::with_capacity(16);
        for lane in 0..ty.lane_count() as usize {
            bytes.extend_from_slice(&bits(lane).to_le_bytes()[..ty.lane_type().bytes() as usize]);
        }
        let handle = self
            .b
            .func
            .dfg
            .constants
            .insert(ConstantData::from(&bytes[..]));
        self.b.ins().vconst(ty, handle)
    }

    /// The number of each lane times a step, in integers.
    pub(super) fn lane_numbers(&mut self, step: i64, lanes: Lanes) -> Result<Value, EmitError> {
        let ty = self.ty(DType::I32, lanes)?;
        Ok(match lanes.is_wide() {
            true => {
                let step = self.b.ins().iconst(types::I64, step);
                self.intrinsic(Intrinsic::LaneNumbers, &[step], Some(ty))
            }
            false => self.pattern(ty, |lane| lane as i64 * step),
        })
    }

    /// The first lanes of a vector, and those of another one behind them.
    pub(super) fn first_of(
        &mut self,
        value: Value,
        others: Value,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        if lanes.is_wide() {
            let count = self.b.ins().iconst(types::I64, lanes.active as i64);
            let ty = self.b.func.dfg.value_type(value);
            return Ok(self.intrinsic(Intrinsic::FirstOf, &[value, others, count], Some(ty)));
        }
        let ty = self.ty(DType::Bool, lanes)?;
        let mask = self.pattern(ty, |lane| -i64::from(lane < lanes.active));
        Ok(self.choose(mask, value, others, lanes))
    }

    /// A scalar in every lane.
    pub(super) fn splat(
        &mut self,
        value: Value,
        dtype: DType,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        if lanes.count == 1 {
            return Ok(value);
        }
        let ty = self.ty(dtype, lanes)?;
        let value = match dtype == DType::Bool {
            true => self.b.ins().bmask(ty.lane_type(), value),
            false => value,
        };
        Ok(self.b.ins().splat(ty, value))
    }

    /// The scalar in one lane.
    pub(super) fn lane(&mut self, value: Value, dtype: DType, lanes: Lanes, lane: usize) -> Value {
        if lanes.count == 1 {
            return value;
        }
        let scalar = match lanes.is_wide() && lane > 0 {
            false => self.b.ins().extractlane(value, lane as u8),
            true => {
                let ty = self.b.func.dfg.value_type(value).lane_type();
                let lane = self.b.ins().iconst(types::I64, lane as i64);
                self.intrinsic(Intrinsic::Lane, &[value, lane], Some(ty))
            }
        };
        match dtype == DType::Bool {
            true => self.b.ins().icmp_imm_s(IntCC::NotEqual, scalar, 0),
            false => scalar,
        }
    }

    /// A register from scalars for its active lanes; the others are zero.
    pub(super) fn gather(
        &mut self,
        dtype: DType,
        lanes: Lanes,
        each: &mut dyn FnMut(&mut Self, usize) -> Result<Value, EmitError>,
    ) -> Result<Value, EmitError> {
        if lanes.count == 1 {
            return each(self, 0);
        }
        let ty = self.ty(dtype, lanes)?;
        if lanes.is_wide() {
            return self.gather_wide(dtype, lanes, ty, each);
        }
        let mut vector = None;
        for lane in 0..lanes.active {
            let scalar = each(self, lane)?;
            let scalar = match dtype == DType::Bool {
                true => self.b.ins().bmask(ty.lane_type(), scalar),
                false => scalar,
            };
            vector = Some(match vector {
                None => self.b.ins().scalar_to_vector(ty, scalar),
                Some(v) => self.b.ins().insertlane(v, scalar, lane as u8),
            });
        }
        match vector {
            Some(v) => Ok(v),
            None => self.constant(0.0, dtype, lanes),
        }
    }

    /// [`Frame::gather`] of a vector wider than Cranelift's: by way of the stack, where scalars are stored
    /// one by one and read as a vector.
    fn gather_wide(
        &mut self,
        dtype: DType,
        lanes: Lanes,
        ty: Type,
        each: &mut dyn FnMut(&mut Self, usize) -> Result<Value, EmitError>,
    ) -> Result<Value, EmitError> {
        let slot = self.slot(lanes.bytes);
        let base = self.b.ins().stack_addr(types::I64, slot, 0);
        let flags = MemFlagsData::trusted();
        if lanes.active < lanes.count {
            let zero = self.every_lane(ty, 0);
            self.b.ins().store(flags, zero, base, 0);
        }
        for lane in 0..lanes.active {
            let scalar = each(self, lane)?;
            let scalar = match dtype == DType::Bool {
                true => self.b.ins().bmask(ty.lane_type(), scalar),
                false => scalar,
            };
            let at = (lane * lanes.width()) as i32;
            self.b.ins().store(flags, scalar, base, at);
        }
        Ok(self.b.ins().load(ty, flags, base, 0))
    }

    /// `mask ? a : b`, lane by lane.
    pub(super) fn choose(&mut self, mask: Value, a: Value, b: Value, lanes: Lanes) -> Value {
        if lanes.count == 1 {
            return self.b.ins().select(mask, a, b);
        }
        let ty = self.b.func.dfg.value_type(a);
        let mask = self.cast_bits(mask, ty);
        self.b.ins().bitselect(mask, a, b)
    }

    /// The same bits as another type of the same size.
    pub(super) fn cast_bits(&mut self, value: Value, ty: Type) -> Value {
        let from = self.b.func.dfg.value_type(value);
        if from == ty {
            return value;
        }
        let flags = if ty.is_vector() || from.is_vector() {
            lane_order()
        } else {
            MemFlagsData::new()
        };
        self.b.ins().bitcast(ty, flags, value)
    }

    /// Whether a float is a NaN, as a bool.
    pub(super) fn is_nan(&mut self, value: Value) -> Value {
        self.b.ins().fcmp(FloatCC::Unordered, value, value)
    }

    /// The elements of an access at `index` and the next ones along the lanes' dim.
    pub(super) fn load(
        &mut self,
        access: &Access,
        index: &[Index],
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let dtype = self.dtype(access.slot);
        let guards = access.guards.iter().map(|g| certain(g, index, lanes));
        let guards: Vec<Option<bool>> = guards.collect();
        if guards.contains(&Some(false)) {
            return self.constant(0.0, dtype, lanes);
        }
        if guards.contains(&None) {
            return self.load_guarded(access, index, lanes);
        }
        match lanes.stride(access) {
            0 => {
                let scalar = self.load_one(access, index)?;
                self.splat(scalar, dtype, lanes)
            }
            1 => self.load_run(access, index, lanes),
            stride @ 2..=STRIDED if lanes.is_wide() && !dtype.is_half() => {
                let (address, offset) = self.address(access, index)?;
                let address = self.b.ins().iadd_imm_s(address, i64::from(offset));
                let ty = self.ty(dtype, lanes)?;
                let value = self.load_strided(ty, address, stride, lanes.active);
                self.as_in_registers(value, dtype, lanes)
            }
            _ => self.gather(dtype, lanes, &mut |f, lane| {
                let index = shifted(index, lanes, lane);
                f.load_one(access, &index)
            }),
        }
    }

    /// One element, guards ignored.
    fn load_one(&mut self, access: &Access, index: &[Index]) -> Result<Value, EmitError> {
        let (address, offset) = self.address(access, index)?;
        self.load_at(access, address, offset)
    }

    /// One element of an access's slot at an address.
    pub(super) fn load_at(
        &mut self,
        access: &Access,
        address: Value,
        offset: i32,
    ) -> Result<Value, EmitError> {
        let dtype = self.dtype(access.slot);
        let flags = self.load_flags(access.slot, true);
        if dtype.is_half() {
            return Ok(self.load_half(flags, address, offset));
        }
        let ty = match scalar_type(dtype) {
            None => return Err(self.unsupported("the working float type was not bound")),
            Some(types::I8) => types::I32,
            Some(ty) => ty,
        };
        let value = self.b.ins().load(ty, flags, address, offset);
        Ok(match dtype == DType::Bool {
            true => self.b.ins().icmp_imm_s(IntCC::NotEqual, value, 0),
            false => value,
        })
    }

    /// Neighbouring elements.
    fn load_run(
        &mut self,
        access: &Access,
        index: &[Index],
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let place = self.address(access, index)?;
        self.load_run_at(access, place, lanes)
    }

    /// Neighbouring elements of an access's slot from an address on.
    fn load_run_at(
        &mut self,
        access: &Access,
        (address, offset): (Value, i32),
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let dtype = self.dtype(access.slot);
        let flags = self.load_flags(access.slot, false);
        if dtype.is_half() {
            return self.load_halves(flags, address, offset, lanes);
        }
        let ty = self.ty(dtype, lanes)?;
        let value = self.load_lanes(ty, flags, address, offset, lanes);
        self.as_in_registers(value, dtype, lanes)
    }

    /// A vector as registers hold it, of what memory does.
    fn as_in_registers(
        &mut self,
        value: Value,
        dtype: DType,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let ty = self.ty(dtype, lanes)?;
        Ok(match dtype == DType::Bool {
            true => {
                let zero = self.every_lane(ty, 0);
                self.b.ins().icmp(IntCC::NotEqual, value, zero)
            }
            false => value,
        })
    }

    /// A vector as memory holds it, of what registers do.
    fn as_in_memory(
        &mut self,
        value: Value,
        dtype: DType,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        Ok(match dtype == DType::Bool {
            true => {
                let ty = self.ty(dtype, lanes)?;
                let one = self.every_lane(ty, 1);
                self.b.ins().band(value, one)
            }
            false => value,
        })
    }

    /// The active lanes from memory; the others are zero.
    pub(super) fn load_lanes(
        &mut self,
        ty: Type,
        flags: MemFlagsData,
        address: Value,
        offset: i32,
        lanes: Lanes,
    ) -> Value {
        if lanes.active == lanes.count {
            if self.caps.unaligned || !ty.is_vector() || ty.lane_type().is_int() {
                return self.b.ins().load(ty, flags, address, offset);
            }
            // As integers: Cranelift 0.135 makes a load of floats an operand of cmpps and cmppd, which
            // fault unless it is aligned to the vector.
            let bits = self.b.ins().load(ty.as_int(), flags, address, offset);
            return self.cast_bits(bits, ty);
        }
        if lanes.is_wide() {
            let address = self.b.ins().iadd_imm_s(address, i64::from(offset));
            return self.load_first(ty, address, lanes.active);
        }
        let lane = ty.lane_type();
        if lanes.active == 1 {
            let scalar = self.b.ins().load(lane, flags, address, offset);
            return self.b.ins().scalar_to_vector(ty, scalar);
        }
        let pair = self.b.ins().load(types::F64, flags, address, offset);
        let pair = self.b.ins().scalar_to_vector(types::F64X2, pair);
        let vector = self.cast_bits(pair, ty);
        if lanes.active == 2 {
            return vector;
        }
        let third = self.b.ins().load(lane, flags, address, offset + 8);
        self.b.ins().insertlane(vector, third, 2u8)
    }

    /// Stores the active lanes.
    pub(super) fn store_lanes(&mut self, value: Value, address: Value, offset: i32, lanes: Lanes) {
        let flags = MemFlagsData::new().with_notrap();
        if lanes.active == lanes.count {
            self.b.ins().store(flags, value, address, offset);
            return;
        }
        if lanes.is_wide() {
            let address = self.b.ins().iadd_imm_s(address, i64::from(offset));
            self.store_first(value, address, lanes.active);
            return;
        }
        if lanes.active == 1 {
            let scalar = self.b.ins().extractlane(value, 0u8);
            self.b.ins().store(flags, scalar, address, offset);
            return;
        }
        let pairs = self.cast_bits(value, types::F64X2);
        let pair = self.b.ins().extractlane(pairs, 0u8);
        self.b.ins().store(flags, pair, address, offset);
        if lanes.active == 3 {
            let third = self.b.ins().extractlane(value, 2u8);
            self.b.ins().store(flags, third, address, offset + 8);
        }
    }

    /// Elements that are there only where the guards hold, zero elsewhere.
    fn load_guarded(
        &mut self,
        access: &Access,
        index: &[Index],
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let dtype = self.dtype(access.slot);
        let along = |strides: &[i64]| strides.get(lanes.dim).copied().unwrap_or(0);
        let uniform = lanes.count > 1 && access.guards.iter().all(|g| along(&g.strides) == 0);
        if uniform && along(&access.strides) == 0 {
            let scalar = self.load_guarded_one(access, index)?;
            return self.splat(scalar, dtype, lanes);
        }
        let slot = self.kernel.slots[access.slot.0 as usize];
        if uniform && along(&access.strides) == 1 && slot.elements >= lanes.active {
            return self.load_guarded_run(access, index, lanes);
        }
        self.gather(dtype, lanes, &mut |f, lane| {
            let index = shifted(index, lanes, lane);
            f.load_guarded_one(access, &index)
        })
    }

    /// Neighbouring elements that are all there or all not: zeros then. What is read in their place are the
    /// slot's first elements.
    fn load_guarded_run(
        &mut self,
        access: &Access,
        index: &[Index],
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let dtype = self.dtype(access.slot);
        let (address, offset) = self.address(access, index)?;
        let address = self.b.ins().iadd_imm_s(address, i64::from(offset));
        let (there, address) = self.where_guarded(access, index, address)?;
        let value = self.load_run_at(access, (address, 0), lanes)?;
        let zero = self.constant(0.0, dtype, lanes)?;
        let all = self.splat(there, DType::Bool, lanes)?;
        Ok(self.choose(all, value, zero, lanes))
    }

    /// Whether the guards of an access hold, and an address that is good there, or that of the slot where
    /// they do not.
    fn where_guarded(
        &mut self,
        access: &Access,
        index: &[Index],
        address: Value,
    ) -> Result<(Value, Value), EmitError> {
        let mut there: Option<Value> = None;
        for guard in &access.guards {
            let test = self.guard(guard, index);
            there = Some(match there {
                Some(all) => self.b.ins().band(all, test),
                None => test,
            });
        }
        let there = match there {
            Some(there) => there,
            None => self.constant(1.0, DType::Bool, Lanes::ONE)?,
        };
        let first = Access {
            slot: access.slot,
            offset: 0,
            strides: Vec::new(),
            guards: Vec::new(),
        };
        let (base, offset) = self.address(&first, &[])?;
        let base = self.b.ins().iadd_imm_s(base, i64::from(offset));
        let address = self.b.ins().select(there, address, base);
        Ok((there, address))
    }

    /// One element, zero where a guard fails.
    fn load_guarded_one(&mut self, access: &Access, index: &[Index]) -> Result<Value, EmitError> {
        let (address, offset) = self.address(access, index)?;
        let address = self.b.ins().iadd_imm_s(address, i64::from(offset));
        self.load_where(access, index, address)
    }

    /// The element at an address that is good where the access's guards hold, zero elsewhere. Where a
    /// guard fails the slot's first element is read and dropped: no branch, and no address outside
    /// of the slot.
    pub(super) fn load_where(
        &mut self,
        access: &Access,
        index: &[Index],
        address: Value,
    ) -> Result<Value, EmitError> {
        if access.guards.is_empty() {
            return self.load_at(access, address, 0);
        }
        let slot = self.kernel.slots[access.slot.0 as usize];
        let zero = self.constant(0.0, slot.dtype, Lanes::ONE)?;
        if slot.elements == 0 {
            return Ok(zero);
        }
        let (there, address) = self.where_guarded(access, index, address)?;
        let value = self.load_at(access, address, 0)?;
        Ok(self.b.ins().select(there, value, zero))
    }

    /// The test of a guard, a bool: one unsigned comparison does both ends.
    fn guard(&mut self, guard: &Guard, index: &[Index]) -> Value {
        let value = self.affine(guard.offset, &guard.strides, index);
        let extent = guard.extent.max(0);
        self.b
            .ins()
            .icmp_imm_s(IntCC::UnsignedLessThan, value, extent)
    }

    /// Stores a register at `index` and the next places along the lanes' dim.
    pub(super) fn store(
        &mut self,
        access: &Access,
        value: Value,
        index: &[Index],
        lanes: Lanes,
    ) -> Result<(), EmitError> {
        let dtype = self.dtype(access.slot);
        if lanes.count == 1 {
            return self.store_one(access, value, index);
        }
        match lanes.stride(access) {
            1 => {
                let (address, offset) = self.address(access, index)?;
                if dtype.is_half() {
                    let flags = MemFlagsData::new().with_notrap();
                    self.store_halves(value, flags, address, offset, lanes);
                    return Ok(());
                }
                let value = self.as_in_memory(value, dtype, lanes)?;
                self.store_lanes(value, address, offset, lanes);
                Ok(())
            }
            stride @ 2..=STRIDED if lanes.is_wide() && !dtype.is_half() => {
                let (address, offset) = self.address(access, index)?;
                let address = self.b.ins().iadd_imm_s(address, i64::from(offset));
                let value = self.as_in_memory(value, dtype, lanes)?;
                self.store_strided(value, address, stride, lanes.active);
                Ok(())
            }
            _ => {
                for lane in 0..lanes.active {
                    let scalar = self.lane(value, dtype, lanes, lane);
                    let index = shifted(index, lanes, lane);
                    self.store_one(access, scalar, &index)?;
                }
                Ok(())
            }
        }
    }

    fn store_one(
        &mut self,
        access: &Access,
        value: Value,
        index: &[Index],
    ) -> Result<(), EmitError> {
        let (address, offset) = self.address(access, index)?;
        // In range: the schedule's verifier proved it for the whole space.
        let flags = MemFlagsData::trusted();
        let dtype = self.dtype(access.slot);
        if dtype.is_half() {
            self.store_half(value, flags, address, offset);
            return Ok(());
        }
        let value = match dtype == DType::Bool {
            true => self.b.ins().uextend(types::I32, value),
            false => value,
        };
        self.b.ins().store(flags, value, address, offset);
        Ok(())
    }
}

/// The index of one lane.
pub(super) fn shifted(index: &[Index], lanes: Lanes, lane: usize) -> Vec<Index> {
    let mut index = index.to_vec();
    if lanes.count > 1
        && let Some(i) = index.get_mut(lanes.dim)
    {
        *i = i.plus(lane as i64);
    }
    index
}
