//! A kernel function under construction: the slots' addresses, affine places in them, counted loops.
//!
//! It knows nothing of vectors or of kernel classes.

use std::collections::{BTreeMap, HashMap};

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    BlockArg, ExtFuncData, ExternalName, FuncRef, GlobalValueData, InstBuilder, MemFlagsData,
    Signature, Value, types,
};
use cranelift_frontend::FunctionBuilder;
use rustc_hash::FxBuildHasher;
use sinew_ir::DType;

use super::host::Caps;
use super::index::{Index, Span, sum};
use super::shim::Shim;
use super::{EmitError, Options};
use crate::kernel::{Access, Kernel, SlotId};

/// Values that a loop carries from one iteration to the next.
pub(super) type Carried = Result<Vec<Value>, EmitError>;

/// The code of a loop's body: index, carried values in, carried values out.
pub(super) type Body<'b, 'a> = dyn FnMut(&mut Frame<'a>, Index, &[Value]) -> Carried + 'b;

/// The code inside of nested loops: the whole index, carried values in, carried values out.
pub(super) type Inside<'b, 'a> =
    dyn FnMut(&mut Frame<'a>, &mut Vec<Index>, &[Value]) -> Carried + 'b;

/// Addresses known in one scope, by slot and terms.
type Known = HashMap<(SlotId, Vec<(Value, i64)>), Value, FxBuildHasher>;

/// Where the table of a kernel has the address of scratch.
pub(super) const SCRATCH: i32 = 0;

/// Where the table of a kernel has the address of a slot.
pub(super) fn slot_entry(slot: usize) -> i32 {
    (slot as i32 + 1) * 8
}

/// A kernel function under construction.
pub(super) struct Frame<'a> {
    /// Cranelift's builder.
    pub b: FunctionBuilder<'a>,
    /// The kernel, for its slots and its name.
    pub kernel: &'a Kernel,
    /// What the host can do.
    pub caps: Caps,
    /// What the compilation was told.
    pub options: &'a Options,
    /// The table of the addresses of scratch and of the slots: the function's first parameter.
    pub table: Value,
    /// The block of sums, or null: the second.
    pub block: Value,
    /// The bounds of the loop that calls split, the third and the fourth; none where no call does: the
    /// loop is a whole one then, of a length that is known.
    pub bounds: Option<[Value; 2]>,
    /// Where the loop over each dim is cut; those of other dims are not.
    pub cuts: Vec<Vec<i64>>,
    shims: BTreeMap<Shim, FuncRef>,
    /// The address of each slot.
    slots: Vec<Value>,
    scopes: Vec<Known>,
}

impl<'a> Frame<'a> {
    /// Starts the function: loads the addresses of the slots. Some calls run shares of the kernel if it
    /// is `shared`.
    ///
    /// `b`'s function has the parameters of [`super::product::Kernel`].
    pub(super) fn new(
        mut b: FunctionBuilder<'a>,
        kernel: &'a Kernel,
        shared: bool,
        caps: Caps,
        options: &'a Options,
    ) -> Frame<'a> {
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let params = b.block_params(entry);
        let (table, block) = (params[0], params[1]);
        let bounds = shared.then(|| [params[2], params[3]]);
        let flags = MemFlagsData::trusted().with_readonly().with_can_move();
        let slots = (0..kernel.slots.len())
            .map(|i| b.ins().load(types::I64, flags, table, slot_entry(i)))
            .collect();
        Frame {
            b,
            kernel,
            caps,
            options,
            table,
            block,
            bounds,
            cuts: Vec::new(),
            shims: BTreeMap::new(),
            slots,
            scopes: vec![Known::default()],
        }
    }

    /// Ends the function.
    pub(super) fn finish(mut self, config: cranelift_codegen::isa::TargetFrontendConfig) {
        self.b.ins().return_(&[]);
        self.b.seal_all_blocks();
        self.b.finalize(config);
    }

    /// An error that names the kernel.
    pub(super) fn unsupported(&self, what: impl Into<String>) -> EmitError {
        EmitError::Unsupported {
            kernel: self.kernel.name.clone(),
            what: what.into(),
        }
    }

    /// Bytes of an element in memory.
    pub(super) fn bytes(&self, dtype: DType) -> Result<i64, EmitError> {
        match dtype.size() {
            Some(size) => Ok(size as i64),
            None => Err(self.unsupported("the working float type was not bound")),
        }
    }

    /// The element type of a slot.
    pub(super) fn dtype(&self, slot: SlotId) -> DType {
        self.kernel.slots[slot.0 as usize].dtype
    }

    /// Flags for loads of a slot's elements, `aligned` to their own size.
    ///
    /// A slot that this kernel does not write is read only, so that its loads may move to their uses:
    /// slots that share memory are written by neither. Every access is within its slot: the schedule's
    /// verifier proved the ranges.
    pub(super) fn load_flags(&self, slot: SlotId, aligned: bool) -> MemFlagsData {
        let mut flags = MemFlagsData::new().with_notrap();
        if aligned {
            flags = flags.with_aligned();
        }
        if self.kernel.slots[slot.0 as usize].usage.writes() {
            flags
        } else {
            flags.with_readonly().with_can_move()
        }
    }

    /// The address of an access at an index, as a value and a constant to add, guards ignored.
    pub(super) fn address(
        &mut self,
        access: &Access,
        index: &[Index],
    ) -> Result<(Value, i32), EmitError> {
        let size = self.bytes(self.dtype(access.slot))?;
        let mut constant = access.offset * size;
        let mut terms = Vec::new();
        for (i, &stride) in index.iter().zip(&access.strides) {
            constant += i.add * stride * size;
            if let (Some(v), true) = (i.base, stride != 0) {
                terms.push((v, stride * size));
            }
        }
        let address = self.sum(access.slot, &terms);
        // A vector's last lanes are reached by a few bytes more, which must fit as well.
        Ok(match i32::try_from(constant) {
            Ok(constant) if constant <= i32::MAX - 64 => (address, constant),
            Ok(_) | Err(_) => (self.b.ins().iadd_imm_s(address, constant), 0),
        })
    }

    /// `base + sum(value * bytes)`, remembered: kernels reach a slot at the same index again.
    fn sum(&mut self, slot: SlotId, terms: &[(Value, i64)]) -> Value {
        let Some((&(value, bytes), before)) = terms.split_last() else {
            return self.slots[slot.0 as usize];
        };
        let key = (slot, terms.to_vec());
        if let Some(&known) = self.scopes.iter().rev().find_map(|s| s.get(&key)) {
            return known;
        }
        let prefix = self.sum(slot, before);
        let scaled = self.scaled(value, bytes);
        let address = self.b.ins().iadd(prefix, scaled);
        let scope = self.scopes.last_mut().expect("one scope is always open");
        scope.insert(key, address);
        address
    }

    /// `value * factor` for i64 values.
    pub(super) fn scaled(&mut self, value: Value, factor: i64) -> Value {
        if factor == 1 {
            value
        } else if factor > 0 && factor.count_ones() == 1 {
            let shift = i64::from(factor.trailing_zeros());
            self.b.ins().ishl_imm_s(value, shift)
        } else {
            self.b.ins().imul_imm_s(value, factor)
        }
    }

    /// `offset + sum(strides[d] * index[d])` as an i64.
    pub(super) fn affine(&mut self, offset: i64, strides: &[i64], index: &[Index]) -> Value {
        let mut constant = offset;
        let mut sum: Option<Value> = None;
        for (i, &stride) in index.iter().zip(strides) {
            constant += i.add * stride;
            if let (Some(v), true) = (i.base, stride != 0) {
                let term = self.scaled(v, stride);
                sum = Some(match sum {
                    Some(sum) => self.b.ins().iadd(sum, term),
                    None => term,
                });
            }
        }
        match sum {
            Some(sum) if constant == 0 => sum,
            Some(sum) => self.b.ins().iadd_imm_s(sum, constant),
            None => self.b.ins().iconst(types::I64, constant),
        }
    }

    /// An index moved on by another.
    pub(super) fn further(&mut self, from: Index, by: Index) -> Index {
        let index = match (from.base, by.base) {
            (Some(a), Some(b)) => {
                let (from, by) = (from.plus(-from.add).span(), by.plus(-by.add).span());
                Index::counter(self.b.ins().iadd(a, b), sum(from, by))
            }
            (Some(_), None) => return from.plus(by.add),
            (None, _) => return by.plus(from.add),
        };
        index.plus(from.add + by.add)
    }

    /// The indices of `extents` at a row-major number.
    pub(super) fn digits(&mut self, number: Index, extents: &[usize]) -> Vec<Index> {
        let mut digits = vec![Index::at(0); extents.len()];
        let Some(counter) = number.base else {
            let mut rest = number.add;
            for (digit, extent) in digits.iter_mut().zip(extents).rev() {
                *digit = Index::at(rest % *extent as i64);
                rest /= *extent as i64;
            }
            return digits;
        };
        let mut rest = self.b.ins().iadd_imm_s(counter, number.add);
        let outer = extents.iter().position(|e| *e != 1).unwrap_or(0);
        for (d, extent) in extents.iter().enumerate().skip(outer).rev() {
            let mut digit = rest;
            let extent = *extent as i64;
            if d > outer && extent != 1 {
                let divisor = self.b.ins().iconst(types::I64, extent);
                rest = self.b.ins().udiv(digit, divisor);
                let whole = self.b.ins().imul_imm_s(rest, extent);
                digit = self.b.ins().isub(digit, whole);
            } else if extent == 1 {
                continue;
            }
            digits[d] = Index::counter(digit, Some([0, extent - 1]));
        }
        digits
    }

    /// Runs `body` at `start`, `start + step`, .. while below `end`. One turn needs no loop.
    pub(super) fn repeat(
        &mut self,
        start: i64,
        end: i64,
        step: i64,
        carried: Vec<Value>,
        body: &mut Body<'_, 'a>,
    ) -> Carried {
        if start >= end {
            return Ok(carried);
        }
        if start + step >= end {
            return body(self, Index::at(start), &carried);
        }
        let first = self.b.ins().iconst(types::I64, start);
        let last = self.b.ins().iconst(types::I64, end);
        // The counter's last value, from which on a turn may go as far as a step.
        let counts = Some([start, end - 1 - (end - 1 - start) % step.max(1)]);
        if carried.is_empty() {
            self.repeat_some((first, last, counts), step, body)?;
            return Ok(carried);
        }
        self.repeat_counted((first, last, counts), step, carried, body)
    }

    /// A loop that is entered and carries nothing: one branch a turn, at the bottom.
    pub(super) fn repeat_some(
        &mut self,
        (start, end, counts): (Value, Value, Span),
        step: i64,
        body: &mut Body<'_, 'a>,
    ) -> Result<(), EmitError> {
        let inside = self.b.create_block();
        let exit = self.b.create_block();
        let counter = self.b.append_block_param(inside, types::I64);
        self.b.ins().jump(inside, &[BlockArg::Value(start)]);
        self.b.switch_to_block(inside);
        let index = Index::counter(counter, counts);
        self.scoped(|f| body(f, index, &[]).map(|_| ()))?;
        let next = self.b.ins().iadd_imm_s(counter, step);
        let more = self.b.ins().icmp(IntCC::SignedLessThan, next, end);
        self.b
            .ins()
            .brif(more, inside, &[BlockArg::Value(next)], exit, &[]);
        self.b.switch_to_block(exit);
        Ok(())
    }

    /// [`Frame::repeat`] between values known when it runs.
    pub(super) fn repeat_between(
        &mut self,
        start: Value,
        end: Value,
        step: i64,
        carried: Vec<Value>,
        body: &mut Body<'_, 'a>,
    ) -> Carried {
        self.repeat_counted((start, end, None), step, carried, body)
    }

    /// A loop between values, whose counter stays within a span.
    ///
    /// The test stands at the top and carried values are block parameters: with a test at the bottom
    /// they live in two places at once and are spilled.
    fn repeat_counted(
        &mut self,
        (start, end, counts): (Value, Value, Span),
        step: i64,
        carried: Vec<Value>,
        body: &mut Body<'_, 'a>,
    ) -> Carried {
        let header = self.b.create_block();
        let inside = self.b.create_block();
        let exit = self.b.create_block();
        let counter = self.b.append_block_param(header, types::I64);
        let mut inner = Vec::new();
        for &value in &carried {
            let ty = self.b.func.dfg.value_type(value);
            inner.push(self.b.append_block_param(header, ty));
        }
        let args = arguments(start, &carried);
        self.b.ins().jump(header, &args);
        self.b.switch_to_block(header);
        let more = self.b.ins().icmp(IntCC::SignedLessThan, counter, end);
        self.b.ins().brif(more, inside, &[], exit, &[]);
        self.b.switch_to_block(inside);
        self.scopes.push(Known::default());
        let index = Index::counter(counter, counts);
        let next = body(self, index, &inner)?;
        self.scopes.pop();
        let counter = self.b.ins().iadd_imm_s(counter, step);
        let args = arguments(counter, &next);
        self.b.ins().jump(header, &args);
        self.b.switch_to_block(exit);
        Ok(inner)
    }

    /// Emits what is not always run: addresses that it computes are forgotten.
    pub(super) fn scoped(
        &mut self,
        body: impl FnOnce(&mut Frame<'a>) -> Result<(), EmitError>,
    ) -> Result<(), EmitError> {
        self.scopes.push(Known::default());
        let result = body(self);
        self.scopes.pop();
        result
    }

    /// Loops over `dims` (number and extent), the last one innermost, setting `index`.
    pub(super) fn loops(
        &mut self,
        dims: &[(usize, usize)],
        index: &mut Vec<Index>,
        carried: Vec<Value>,
        body: &mut Inside<'_, 'a>,
    ) -> Carried {
        let Some((&(dim, extent), rest)) = dims.split_first() else {
            return body(self, index, &carried);
        };
        let mut carried = carried;
        for [from, to] in self.parts(dim, extent) {
            carried = self.repeat(from, to, 1, carried, &mut |f, i, carried| {
                index[dim] = i;
                f.loops(rest, index, carried.to_vec(), body)
            })?;
        }
        Ok(carried)
    }

    /// The parts of the loop over a dim: first index of each, and the one behind its last.
    pub(super) fn parts(&self, dim: usize, extent: usize) -> Vec<[i64; 2]> {
        let cuts = self.cuts.get(dim).map_or(&[][..], |c| c);
        let starts = [0].into_iter().chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([extent as i64]);
        starts.zip(ends).map(|(from, to)| [from, to]).collect()
    }

    /// Calls a function of this crate.
    pub(super) fn call(&mut self, shim: Shim, args: &[Value]) -> Option<Value> {
        let function = match self.shims.get(&shim) {
            Some(function) => *function,
            None => {
                let signature = shim.signature(self.b.func.signature.call_conv);
                let function = self.import(shim.name(), signature, false);
                self.shims.insert(shim, function);
                function
            }
        };
        let call = self.b.ins().call(function, args);
        self.b.inst_results(call).first().copied()
    }

    /// The address of scratch: the table has it before the slots.
    pub(super) fn scratch(&mut self) -> Value {
        let flags = MemFlagsData::trusted().with_readonly().with_can_move();
        self.b.ins().load(types::I64, flags, self.table, SCRATCH)
    }

    /// The address of the function under construction.
    pub(super) fn itself(&mut self) -> Value {
        let signature = self.b.func.signature.clone();
        let function = self.import(&self.kernel.name, signature, true);
        self.b.ins().func_addr(types::I64, function)
    }

    /// The address of what has a name outside of the compiled functions.
    pub(super) fn symbol(&mut self, name: &str) -> Value {
        let symbol = self.b.create_global_value(GlobalValueData::Symbol {
            name: ExternalName::testcase(name),
            offset: 0.into(),
            colocated: false,
            tls: false,
        });
        self.b.ins().symbol_value(types::I64, symbol)
    }

    pub(super) fn import(&mut self, name: &str, signature: Signature, colocated: bool) -> FuncRef {
        let signature = self.b.import_signature(signature);
        self.b.import_function(ExtFuncData {
            name: ExternalName::testcase(name),
            signature,
            colocated,
            patchable: false,
        })
    }
}

/// Block arguments: a counter, then carried values.
fn arguments(counter: Value, carried: &[Value]) -> Vec<BlockArg> {
    std::iter::once(counter)
        .chain(carried.iter().copied())
        .map(BlockArg::Value)
        .collect()
}
