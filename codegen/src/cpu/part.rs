//! Parts of codes: what one register of several needs.

use crate::kernel::{Access, Code, Reg, ScalarInst, ScalarKind};

impl Code {
    /// The instructions that a register needs, with the register among them.
    pub(super) fn part(&self, of: Reg) -> (Code, Reg) {
        let mut needed = vec![false; self.insts.len()];
        if let Some(needed) = needed.get_mut(of.0 as usize) {
            *needed = true;
        }
        for (at, inst) in self.insts.iter().enumerate().rev() {
            if needed[at] {
                let mut inst = inst.clone();
                inst.operands_mut()
                    .for_each(|reg| needed[reg.0 as usize] = true);
            }
        }
        let mut number = vec![Reg(0); self.insts.len()];
        let mut code = Code::default();
        for (at, inst) in self.insts.iter().enumerate().filter(|(at, _)| needed[*at]) {
            let mut inst = inst.clone();
            inst.operands_mut()
                .for_each(|reg| *reg = number[reg.0 as usize]);
            number[at] = Reg(code.insts.len() as u32);
            code.insts.push(inst);
        }
        let of = number.get(of.0 as usize).copied().unwrap_or(of);
        (code, of)
    }

    /// Whether anything that it reads or computes changes along a dim of its space.
    pub(super) fn moves_along(&self, dim: usize) -> bool {
        let moves = |strides: &[i64]| strides.get(dim).is_some_and(|stride| *stride != 0);
        let access = |access: &Access| {
            moves(&access.strides) || access.guards.iter().any(|guard| moves(&guard.strides))
        };
        self.insts.iter().any(|inst| match &inst.kind {
            ScalarKind::Load(from) | ScalarKind::Gather { access: from, .. } => access(from),
            ScalarKind::Index { strides, .. } => moves(strides),
            ScalarKind::Row(_) | ScalarKind::Element(_) | ScalarKind::Accumulator => true,
            ScalarKind::Const(_) | ScalarKind::Apply(..) => false,
        })
    }
}

impl ScalarInst {
    /// The registers that it reads, to change.
    fn operands_mut(&mut self) -> impl Iterator<Item = &mut Reg> {
        let (one, all): (Option<&mut Reg>, &mut [Reg]) = match &mut self.kind {
            ScalarKind::Gather { index, .. } => (Some(index), &mut []),
            ScalarKind::Apply(_, operands) => (None, operands),
            ScalarKind::Load(_)
            | ScalarKind::Const(_)
            | ScalarKind::Index { .. }
            | ScalarKind::Row(_)
            | ScalarKind::Element(_)
            | ScalarKind::Accumulator => (None, &mut []),
        };
        one.into_iter().chain(all)
    }
}
