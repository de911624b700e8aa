//! The rules of code over a space: what it reads, where it reaches, what it stores.

use super::Check;
use crate::bounds::{interval, range};
use crate::kernel::{Access, Code, Reg, ScalarKind, Slot, SlotId};
use sinew_ir::{DType, Scalar};

pub(super) fn dtype_of(code: &Code, reg: Reg) -> Result<DType, String> {
    let inst = code.insts.get(reg.0 as usize);
    inst.map(|i| i.dtype)
        .ok_or_else(|| format!("no register {}", reg.0))
}

/// Checks code over a space.
pub(super) struct Checker<'a> {
    pub(super) slots: &'a [Slot],
    pub(super) space: &'a [usize],
    /// Dims from here on must have stride 0 (inner dims in a row stage).
    pub(super) flat: usize,
    pub(super) rows: &'a [DType],
    pub(super) set: &'a [bool],
    /// Of each row array: whether an earlier stage wrote it, and its element type.
    pub(super) arrays: &'a [(bool, DType)],
    pub(super) accumulator: Option<DType>,
    /// The dim along which stores may add up.
    pub(super) step: Option<usize>,
}

impl<'a> Checker<'a> {
    /// Of code without rows.
    pub(super) fn plain(
        slots: &'a [Slot],
        space: &'a [usize],
        accumulator: Option<DType>,
    ) -> Checker<'a> {
        Checker {
            slots,
            space,
            flat: space.len(),
            rows: &[],
            set: &[],
            arrays: &[],
            accumulator,
            step: None,
        }
    }

    pub(super) fn slot(&self, access: &Access) -> Result<&'a Slot, String> {
        let SlotId(id) = access.slot;
        let found = self.slots.get(id as usize);
        found.ok_or_else(|| format!("no slot {id}"))
    }

    fn strides(&self, strides: &[i64]) -> Check {
        if strides.len() != self.space.len() {
            return Err(format!(
                "{} strides over {} dims",
                strides.len(),
                self.space.len()
            ));
        }
        match strides[self.flat..].iter().all(|s| *s == 0) {
            true => Ok(()),
            false => Err("a row stage that moves along the row".into()),
        }
    }

    /// Rule 4; `extra` further positions `stride` apart may be added (gathers).
    pub(super) fn bounds(&self, access: &Access, stride: i64, extra: usize) -> Check {
        self.strides(&access.strides)?;
        for guard in &access.guards {
            self.strides(&guard.strides)?;
            // Emitters test guards in 32 bits, a negative value as one above every extent.
            let narrow = |v: i64| i32::try_from(v).is_ok();
            match interval(self.space, guard.offset, &guard.strides) {
                Some(Some((l, h))) if narrow(l) && narrow(h) && narrow(guard.extent) => {}
                Some(None) => {}
                _ => return Err("a guard leaves 32 bits".into()),
            }
        }
        let slot = self.slot(access)?;
        let overflow = || "an index leaves 64 bits".to_string();
        let Some((mut low, mut high)) = range(self.space, access).ok_or_else(overflow)? else {
            return Ok(());
        };
        let last = i64::try_from(extra.saturating_sub(1)).map_err(|_| overflow())?;
        let reach = stride.checked_mul(last).ok_or_else(overflow)?;
        low = low.checked_add(reach.min(0)).ok_or_else(overflow)?;
        high = high.checked_add(reach.max(0)).ok_or_else(overflow)?;
        let elements = i64::try_from(slot.elements).map_err(|_| overflow())?;
        if low < 0 || high >= elements {
            return Err(format!(
                "reaches elements {low}..={high} of slot {}, which has {elements}",
                access.slot.0
            ));
        }
        Ok(())
    }

    pub(super) fn code(&self, code: &Code) -> Check {
        for (i, inst) in code.insts.iter().enumerate() {
            let reg = |r: Reg| match (r.0 as usize) < i {
                true => Ok(code.insts[r.0 as usize].dtype),
                false => Err(format!("register {i} uses register {}", r.0)),
            };
            let same = |found: DType| match found == inst.dtype {
                true => Ok(()),
                false => Err(format!("register {i} is {}, not {found}", inst.dtype)),
            };
            if inst.dtype == DType::Float {
                return Err(format!("register {i} has no bound type"));
            }
            match &inst.kind {
                ScalarKind::Load(access) => {
                    same(self.slot(access)?.dtype)?;
                    self.bounds(access, 0, 0)?;
                }
                ScalarKind::Gather {
                    access,
                    index,
                    extent,
                    stride,
                } => {
                    same(self.slot(access)?.dtype)?;
                    if reg(*index)? != DType::I32 || *extent == 0 {
                        return Err("a gather without an i32 index or an extent".into());
                    }
                    self.bounds(access, *stride, *extent)?;
                }
                ScalarKind::Const(_) => {}
                ScalarKind::Index { offset, strides } => {
                    same(DType::I32)?;
                    self.strides(strides)?;
                    match interval(self.space, *offset, strides) {
                        Some(Some((l, h)))
                            if i32::try_from(l).is_ok() && i32::try_from(h).is_ok() => {}
                        Some(None) => {}
                        _ => return Err("an index leaves 32 bits".into()),
                    }
                }
                ScalarKind::Row(row) => match self.rows.get(row.0 as usize) {
                    Some(d) if self.set[row.0 as usize] => same(*d)?,
                    _ => return Err(format!("row register {} is not set", row.0)),
                },
                ScalarKind::Element(array) => match self.arrays.get(array.0 as usize) {
                    Some((true, d)) => same(*d)?,
                    Some((false, _)) => {
                        return Err(format!("row array {} is not written yet", array.0));
                    }
                    None => return Err(format!("no row array {}", array.0)),
                },
                ScalarKind::Accumulator => match self.accumulator {
                    Some(d) => same(d)?,
                    None => return Err("an accumulator outside a contraction or a scan".into()),
                },
                ScalarKind::Apply(scalar, operands) => {
                    let types: Result<Vec<DType>, String> =
                        operands.iter().map(|r| reg(*r)).collect();
                    let types = types?;
                    if !scalar.fits(&types, inst.dtype) {
                        return Err(format!("register {i}: {scalar} of other types"));
                    }
                    if !moves_halves(*scalar, &types, inst.dtype) {
                        return Err(format!("register {i}: {scalar} of halves"));
                    }
                }
            }
        }
        for store in &code.stores {
            let slot = self.slot(&store.access)?;
            if dtype_of(code, store.value)? != slot.dtype {
                return Err(format!(
                    "a store of another type in slot {}",
                    store.access.slot.0
                ));
            }
            if !store.access.guards.is_empty() {
                return Err("a guarded store".into());
            }
            self.bounds(&store.access, 0, 0)?;
            let mut space = self.space[..self.flat].to_vec();
            if store.adds {
                let stride = |step: usize| store.access.strides.get(step).copied();
                match self.step {
                    Some(step) if stride(step) == Some(0) => space[step] = 1,
                    Some(_) => return Err("it adds along the rows of a block".into()),
                    None => return Err("it adds up over no dim".into()),
                }
            }
            injective(&space, &store.access.strides[..self.flat])?;
        }
        Ok(())
    }
}

/// Whether an instruction does to halves no more than it may: they are chosen, and cast to f32 and back.
fn moves_halves(scalar: Scalar, operands: &[DType], result: DType) -> bool {
    if !result.is_half() && !operands.iter().any(|d| d.is_half()) {
        return true;
    }
    match scalar {
        Scalar::Select => true,
        Scalar::Cast => operands.iter().all(|from| {
            from.computes_in() == DType::F32
                && result.computes_in() == DType::F32
                && from.is_half() != result.is_half()
        }),
        Scalar::Unary(_)
        | Scalar::Number(_)
        | Scalar::Arithmetic(_)
        | Scalar::Compare(_)
        | Scalar::Logic(_)
        | Scalar::Bits(_) => false,
    }
}

/// Rule 5: sorted by stride, each step is longer than all shorter ones together reach.
pub(super) fn injective(extents: &[usize], strides: &[i64]) -> Check {
    let beyond = "a store leaves 64 bits";
    let mut dims = Vec::new();
    for (extent, stride) in extents.iter().zip(strides).filter(|(e, _)| **e > 1) {
        let steps = i64::try_from(extent - 1).map_err(|_| beyond)?;
        dims.push((stride.checked_abs().ok_or(beyond)?, steps));
    }
    dims.sort_unstable();
    let mut reach = 0i64;
    for (stride, steps) in dims {
        if stride <= reach {
            return Err("a store that is not injective".into());
        }
        reach = stride
            .checked_mul(steps)
            .and_then(|r| r.checked_add(reach))
            .ok_or(beyond)?;
    }
    Ok(())
}
