//! Row arrays: where they lie in scratch, and how elements get there and back.
//!
//! Rows that run in lockstep have their elements side by side: those of one place in the row are a
//! vector for each copy.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use sinew_ir::DType;

use super::EmitError;
use super::frame::Frame;
use super::index::Index;
use super::lanes::Lanes;
use crate::kernel::{ArrayId, Nest};

/// Arrays begin at lines of the cache.
const LINE: usize = 64;

/// Where row arrays lie, before there is code.
pub(super) struct Layout {
    /// Of each array: its first byte, and the bytes of an element.
    arrays: Vec<(usize, usize)>,
    bytes: usize,
    /// Rows that run in lockstep, at most.
    rows: usize,
}

impl Layout {
    /// The arrays of so many rows at once.
    pub(super) fn new(nest: &Nest, rows: usize) -> Layout {
        let length: usize = nest.inner.iter().product();
        let mut layout = Layout {
            arrays: Vec::new(),
            bytes: 0,
            rows,
        };
        for array in &nest.arrays {
            // Elements lie there as they are in registers.
            let dtype = nest.array_dtype(*array).map(DType::computes_in);
            let size = dtype.and_then(DType::size).unwrap_or(8);
            layout.arrays.push((layout.bytes, size));
            // One row's are not more than memory can have: the verifier saw to it.
            let bytes = length.saturating_mul(rows * size);
            let whole = bytes.checked_next_multiple_of(LINE).unwrap_or(bytes);
            layout.bytes = layout.bytes.saturating_add(whole);
        }
        layout
    }

    /// Bytes of all.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The row arrays of a nest whose code is being made.
pub(super) struct Arrays {
    layout: Layout,
    /// The address of scratch; none where there are no arrays.
    base: Option<Value>,
    /// For each dim of the space: elements of the row from one index to the next.
    strides: Vec<i64>,
}

/// The arrays of one of the rows that run in lockstep, or of a vector of them.
#[derive(Clone, Copy)]
pub(super) struct Row<'r> {
    pub arrays: &'r Arrays,
    /// Which vector of rows.
    pub copy: usize,
}

impl Arrays {
    /// The arrays of a nest; scratch holds them for each row anew. Neighbours along the dim of the lanes are
    /// neighbours there.
    pub(super) fn new(
        f: &mut Frame<'_>,
        nest: &Nest,
        layout: Layout,
        lanes: Option<usize>,
    ) -> Arrays {
        let first = nest.outer.len();
        let mut strides = vec![0; first + nest.inner.len()];
        let mut stride = 1;
        let of_lanes = lanes.filter(|d| *d >= first);
        let others = (first..strides.len()).rev();
        let others = others.filter(|d| Some(*d) != of_lanes);
        for dim in of_lanes.into_iter().chain(others) {
            strides[dim] = stride;
            stride *= nest.inner[dim - first] as i64;
        }
        Arrays {
            base: (!nest.arrays.is_empty()).then(|| f.scratch()),
            layout,
            strides,
        }
    }
}

impl Frame<'_> {
    /// The element of a row array at `index`, and the next ones along the lanes' dim.
    pub(super) fn load_kept(
        &mut self,
        row: Option<Row<'_>>,
        (id, dtype): (ArrayId, DType),
        index: &[Index],
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let (address, offset) = self.kept(row, id.0 as usize, index, lanes)?;
        let ty = self.ty(dtype, lanes)?;
        let flags = MemFlagsData::new().with_notrap();
        Ok(match lanes.count {
            1 => self.b.ins().load(ty, flags, address, offset),
            _ => self.load_lanes(ty, flags, address, offset, lanes),
        })
    }

    /// Stores into a row array what [`Frame::load_kept`] loads.
    pub(super) fn store_kept(
        &mut self,
        row: Option<Row<'_>>,
        id: usize,
        value: Value,
        index: &[Index],
        lanes: Lanes,
    ) -> Result<(), EmitError> {
        let (address, offset) = self.kept(row, id, index, lanes)?;
        self.store_lanes(value, address, offset, lanes);
        Ok(())
    }

    /// The address of an element, as a value and a constant to add.
    fn kept(
        &mut self,
        row: Option<Row<'_>>,
        id: usize,
        index: &[Index],
        lanes: Lanes,
    ) -> Result<(Value, i32), EmitError> {
        let found = row.and_then(|row| {
            let Arrays { layout, base, .. } = row.arrays;
            Some((row, (*base)?, *layout.arrays.get(id)?))
        });
        let Some((row, mut address, (start, size))) = found else {
            return Err(self.unsupported(format!("row array {id} outside of rows")));
        };
        let unit = (size * row.arrays.layout.rows) as i64;
        let mut constant = (start + row.copy * lanes.count * size) as i64;
        for (i, stride) in index.iter().zip(&row.arrays.strides) {
            constant += i.add * stride * unit;
            if let (Some(counter), true) = (i.base, *stride != 0) {
                let far = self.scaled(counter, stride * unit);
                address = self.b.ins().iadd(address, far);
            }
        }
        Ok(match i32::try_from(constant) {
            // A vector's last lanes are reached by a few bytes more, which must fit as well.
            Ok(constant) if constant <= i32::MAX - 64 => (address, constant),
            Ok(_) | Err(_) => (self.b.ins().iadd_imm_s(address, constant), 0),
        })
    }
}
