//! Elements that lie a few places apart: read as whole vectors, of which lanes are picked, and written so.
//!
//! Nothing is touched before the first element or behind the last.

use cranelift_codegen::ir::{Type, Value};
use regalloc2::VReg;

use super::codes::{self, Width};
use super::machine::{Address, Instruction, Operand, VECTOR};
use super::select::{Select, Selected};

/// Which elements: so many, each so many places behind the one before.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub stride: usize,
    pub count: usize,
}

impl Places {
    /// Elements from the first to the last.
    fn span(self) -> usize {
        match self.count {
            0 => 0,
            count => (count - 1) * self.stride + 1,
        }
    }
}

impl Select<'_> {
    /// Lanes of a vector of a type.
    fn lanes(&self, ty: Type) -> usize {
        self.width.bytes() / ty.lane_type().bytes() as usize
    }

    /// The vectors that the elements lie in: elements of each that are read, and where it begins.
    fn parts(&self, ty: Type, places: Places) -> Vec<(usize, i32)> {
        let lanes = self.lanes(ty);
        let span = places.span();
        let starts = (0..span).step_by(lanes);
        let part = |start: usize| {
            let bytes = start * ty.lane_type().bytes() as usize;
            (lanes.min(span - start), bytes as i32)
        };
        starts.map(part).collect()
    }

    /// Loads the elements from an address on; other lanes are zero.
    pub(super) fn load_strided(
        &mut self,
        to: VReg,
        ty: Type,
        address: Value,
        places: Places,
    ) -> Selected<()> {
        let (lanes, view) = (self.lanes(ty), self.whole());
        let parts = self.parts(ty, places);
        let mut loaded = Vec::with_capacity(parts.len());
        for (count, offset) in parts {
            let from = Operand::Memory(self.address(address, offset)?);
            let part = self.fresh(VECTOR);
            self.load_some(part, ty, from, count);
            loaded.push(part);
        }
        // Each group of vectors gives the lanes whose elements lie in it.
        let per_group = match self.width {
            Width::W256 => 1,
            Width::W512 => 2,
        };
        let mut sum = self.zero();
        for (group, vectors) in loaded.chunks(per_group).enumerate() {
            let first = group * per_group * lanes;
            let here = |lane: usize| {
                let element = lane * places.stride;
                let inside = lane < places.count && element >= first;
                (inside && element < first + per_group * lanes).then(|| element - first)
            };
            let order: Vec<usize> = (0..lanes).map(|l| here(l).unwrap_or(0)).collect();
            let chosen: Vec<bool> = (0..lanes).map(|l| here(l).is_some()).collect();
            let picked = self.pick(ty, vectors, &order)?;
            let mask = self.mask_of_lanes(&chosen, ty);
            let next = match (group + 1) * per_group >= loaded.len() {
                true => to,
                false => self.fresh(VECTOR),
            };
            let operands = vec![
                Operand::Def(next, view),
                Operand::Use(sum, view),
                Operand::Use(picked, view),
            ];
            self.blend_registers(ty, operands, mask);
            sum = next;
        }
        if loaded.is_empty() {
            return Err("a vector of no elements".to_owned());
        }
        Ok(())
    }

    /// Stores the first lanes as the elements from an address on.
    pub(super) fn store_strided(
        &mut self,
        value: Value,
        address: Value,
        places: Places,
    ) -> Selected<()> {
        let ty = self.ty(value);
        let lanes = self.lanes(ty);
        let value = self.register(value)?;
        for (part, (_, offset)) in self.parts(ty, places).into_iter().enumerate() {
            let here = |place: usize| {
                let element = part * lanes + place;
                let lane = element / places.stride;
                (element.is_multiple_of(places.stride) && lane < places.count).then_some(lane)
            };
            let order: Vec<usize> = (0..lanes).map(|p| here(p).unwrap_or(0)).collect();
            let chosen: Vec<bool> = (0..lanes).map(|p| here(p).is_some()).collect();
            if chosen.iter().all(|c| !c) {
                continue;
            }
            let spread = self.pick(ty, &[value], &order)?;
            let mask = self.mask_of_lanes(&chosen, ty);
            let to = Operand::Memory(self.address(address, offset)?);
            self.store_masked(ty, to, spread, mask);
        }
        Ok(())
    }

    /// Lanes of one vector, or of two side by side, in an order.
    fn pick(&mut self, ty: Type, vectors: &[VReg], order: &[usize]) -> Selected<VReg> {
        let (to, view) = (self.fresh(VECTOR), self.whole());
        let wide = ty.lane_bits() == 64;
        let permute = codes::PERMUTE.of(self.width, ty);
        match (vectors, self.width) {
            (&[one], Width::W256) if wide => {
                let order = order
                    .iter()
                    .rev()
                    .fold(0, |bits, lane| bits << 2 | *lane as i64);
                let operands = vec![
                    Operand::Def(to, view),
                    Operand::Use(one, view),
                    Operand::Immediate(order),
                ];
                self.emit(permute, operands);
            }
            (&[one], _) => {
                let order = self.lane_constants(order, ty);
                let operands = vec![
                    Operand::Def(to, view),
                    Operand::Use(order, view),
                    Operand::Use(one, view),
                ];
                self.emit(permute, operands);
            }
            (&[one, two], Width::W512) => {
                let order = self.lane_constants(order, ty);
                let operands = vec![
                    Operand::Change {
                        from: one,
                        to,
                        view,
                    },
                    Operand::Use(order, view),
                    Operand::Use(two, view),
                ];
                self.emit(codes::PERMUTE_TWO.of(self.width, ty), operands);
            }
            _ => return Err("lanes of more than two vectors".to_owned()),
        }
        Ok(to)
    }

    /// Numbers in the lanes of a new register.
    fn lane_constants(&mut self, numbers: &[usize], ty: Type) -> VReg {
        let bytes = ty.lane_type().bytes() as usize;
        let numbers = numbers.iter().flat_map(|n| {
            let number = (*n as u64).to_le_bytes();
            number.into_iter().take(bytes)
        });
        let place = self.program.pool.place(&numbers.collect::<Vec<u8>>());
        let register = self.fresh(VECTOR);
        let from = Operand::Memory(Address::constant(place));
        let operands = vec![Operand::Def(register, self.whole()), from];
        self.emit(codes::LOAD.of(self.width, ty), operands);
        register
    }

    /// The first elements of memory in a register; the other lanes are zero.
    pub(super) fn load_some(&mut self, to: VReg, ty: Type, from: Operand, count: usize) {
        let to = Operand::Def(to, self.whole());
        if count == self.lanes(ty) {
            self.emit(codes::LOAD.of(self.width, ty), vec![to, from]);
            return;
        }
        let mask = self.first_lanes(count, ty);
        let code = codes::LOAD_MASKED.of(self.width, ty);
        match self.width {
            Width::W512 => self.push(Instruction::code(code, vec![to, from]).where_set(mask)),
            Width::W256 => {
                let mask = Operand::Use(mask, self.whole());
                self.emit(code, vec![to, mask, from]);
            }
        }
    }

    /// Stores the lanes of a mask.
    pub(super) fn store_masked(&mut self, ty: Type, to: Operand, value: VReg, mask: VReg) {
        let from = Operand::Use(value, self.whole());
        let code = codes::STORE_MASKED.of(self.width, ty);
        match self.width {
            Width::W512 => {
                self.push(Instruction::code(code, vec![to, from]).only_where_set(mask));
            }
            Width::W256 => {
                let mask = Operand::Use(mask, self.whole());
                self.emit(code, vec![to, mask, from]);
            }
        }
    }

    /// The lanes of the last operand where a mask says so, else of the one before.
    fn blend_registers(&mut self, ty: Type, operands: Vec<Operand>, mask: VReg) {
        let code = codes::BLEND.of(self.width, ty);
        match self.width {
            Width::W512 => self.push(Instruction::code(code, operands).only_where_set(mask)),
            Width::W256 => {
                let mask = Operand::Use(mask, self.whole());
                self.emit(code, [operands, vec![mask]].concat());
            }
        }
    }
}
