//! Elements of slots to registers and back, by their accesses: one, or neighbours along the dim of the lanes; those
//! with guards are zero where one fails.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use sinew_ir::DType;

use super::EmitError;
use super::frame::Frame;
use super::index::{Index, certain};
use super::lanes::{Lanes, STRIDED, scalar_type, shifted};
use crate::kernel::{Access, Guard};

impl Frame<'_> {
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
                let address = self.element_address(access, index)?;
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

    /// The address of the element at an index.
    fn element_address(&mut self, access: &Access, index: &[Index]) -> Result<Value, EmitError> {
        let (address, offset) = self.address(access, index)?;
        Ok(self.b.ins().iadd_imm_s(address, i64::from(offset)))
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
        let address = self.element_address(access, index)?;
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
        let base = self.element_address(&first, &[])?;
        let address = self.b.ins().select(there, address, base);
        Ok((there, address))
    }

    /// One element, zero where a guard fails.
    fn load_guarded_one(&mut self, access: &Access, index: &[Index]) -> Result<Value, EmitError> {
        let address = self.element_address(access, index)?;
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
                let address = self.element_address(access, index)?;
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
