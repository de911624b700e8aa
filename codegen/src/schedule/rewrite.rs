//! What becomes something simpler on its way into the graph: operands of contractions, scatters of few
//! updates, long reductions.

use super::affine::Affine;
use super::definition::{IndexMap, Source};
use super::graph::{Def, Graph, Id, constant};
use crate::cost::LONG_REDUCTION;
use sinew_ir::{DType, Reduction, Scalar, Value};

impl Graph {
    fn add_reshape(&mut self, x: Id, shape: Vec<usize>, dtype: DType, value: Value) -> Id {
        let map = IndexMap::Reshape;
        self.add(Def::View { x, map }, shape, dtype, value)
    }

    /// A contraction's operand as batch axes, free axes, contracted axes.
    pub(super) fn order_operand_axes(
        &mut self,
        x: Id,
        batch: &[usize],
        contract: &[usize],
        value: Value,
    ) -> Id {
        let (shape, dtype) = (self.nodes[x].shape.clone(), self.nodes[x].dtype);
        let free = (0..shape.len()).filter(|d| !batch.contains(d) && !contract.contains(d));
        let mut axes = batch.to_vec();
        axes.extend(free);
        axes.extend(contract);
        if axes.is_sorted() {
            return x;
        }
        let permuted = axes.iter().map(|d| shape[*d]).collect();
        let map = IndexMap::Permute { axes };
        self.add(Def::View { x, map }, permuted, dtype, value)
    }

    /// Rows moved against each other; where they leave `x`, that is padded first.
    pub(super) fn add_shear(
        &mut self,
        x: Id,
        [axis, by]: [usize; 2],
        [offset, slope]: [i64; 2],
        shape: Vec<usize>,
        value: Value,
    ) -> Id {
        let dtype = self.nodes[x].dtype;
        if shape.contains(&0) {
            return self.add(constant(0.0), shape, dtype, value);
        }
        let mut moved = Affine::dim(0).plus(offset);
        moved.add_scaled(&Affine::dim(1), slope);
        let (least, greatest) = moved.range(&[shape[axis], shape[by]]);
        let mut extents = self.nodes[x].shape.clone();
        let (low, high) = (
            (-least).max(0),
            (greatest - extents[axis] as i64 + 1).max(0),
        );
        let mut padded = x;
        if low + high > 0 {
            extents[axis] += (low + high) as usize;
            let map = IndexMap::Pad { axis, low };
            padded = self.add(Def::View { x, map }, extents, dtype, value);
        }
        let map = IndexMap::Shear {
            axis,
            by,
            offset: offset + low,
            slope,
        };
        self.add(Def::View { x: padded, map }, shape, dtype, value)
    }

    /// `base` with `updates` added where the position along `axis` is the clamped index.
    pub(super) fn add_scatter_as_comparisons(
        &mut self,
        base: Id,
        indices: Id,
        updates: Id,
        axis: usize,
        value: Value,
    ) -> Id {
        let (shape, dtype) = (self.nodes[base].shape.clone(), self.nodes[base].dtype);
        let count = self.nodes[indices].shape[axis];
        let axes: Vec<usize> = (0..shape.len()).filter(|d| *d != axis).collect();
        let row: Vec<usize> = axes.iter().map(|d| shape[*d]).collect();
        let mut one = shape.clone();
        one[axis] = 1;
        let mut sum = base;
        for j in 0..count {
            let along = |graph: &mut Graph, x: Id| {
                let dtype = graph.nodes[x].dtype;
                let map = IndexMap::Slice {
                    axis,
                    start: j as i64,
                    step: 1,
                };
                let x = graph.add(Def::View { x, map }, one.clone(), dtype, value);
                graph.add_reshape(x, row.clone(), dtype, value)
            };
            let (index, update) = (along(self, indices), along(self, updates));
            let last = constant(shape[axis].saturating_sub(1) as f64);
            let last = self.add(last, row.clone(), DType::I32, value);
            let zero = self.add(constant(0.0), row.clone(), DType::I32, value);
            let index = Def::Elementwise(Scalar::MAXIMUM, vec![index, zero]);
            let index = self.add(index, row.clone(), DType::I32, value);
            let index = Def::Elementwise(Scalar::MINIMUM, vec![index, last]);
            let index = self.add(index, row.clone(), DType::I32, value);
            let spread = |graph: &mut Graph, x: Id| {
                let dtype = graph.nodes[x].dtype;
                let axes = axes.clone();
                let map = IndexMap::Broadcast { axes };
                graph.add(Def::View { x, map }, shape.clone(), dtype, value)
            };
            let (index, update) = (spread(self, index), spread(self, update));
            let at = Def::Source(Source::Iota(axis));
            let at = self.add(at, shape.clone(), DType::I32, value);
            let here = Def::Elementwise(Scalar::EQ, vec![at, index]);
            let here = self.add(here, shape.clone(), DType::Bool, value);
            let zero = self.add(constant(0.0), shape.clone(), dtype, value);
            let added = Def::Elementwise(Scalar::SELECT, vec![here, update, zero]);
            let added = self.add(added, shape.clone(), dtype, value);
            let next = Def::Elementwise(Scalar::ADD, vec![sum, added]);
            sum = self.add(next, shape.clone(), dtype, value);
        }
        sum
    }

    pub(super) fn add_reduce(
        &mut self,
        x: Id,
        axes: Vec<usize>,
        kind: Reduction,
        dtype: DType,
        value: Value,
    ) -> Id {
        let shape = self.nodes[x].shape.clone();
        let kept: Vec<usize> = (0..shape.len())
            .filter(|d| !axes.contains(d))
            .map(|d| shape[d])
            .collect();
        let count: usize = axes.iter().map(|d| shape[*d]).product();
        let combine = kind.combine();
        match (combine, count) {
            (Some(_), 1) => return self.add_reshape(x, kept, dtype, value),
            (None, 1) => return self.add(constant(0.0), kept, dtype, value),
            _ => {}
        }
        let Some(combine) = combine.filter(|_| count > LONG_REDUCTION) else {
            return self.add(Def::Reduce { x, axes, kind }, kept, dtype, value);
        };
        // Two steps: about as many partial results as each has elements. Whole axes if they divide
        // it well enough: the first step then runs over the same rows as others do.
        let target = count.isqrt().clamp(64, LONG_REDUCTION);
        let mut whole = 1;
        for d in axes_in_order(&axes) {
            if whole * 4 >= target && whole <= LONG_REDUCTION && count / whole <= LONG_REDUCTION {
                return self.reduce_in_two_steps(x, &axes, d, 1, kind, dtype, value);
            }
            whole *= shape[d];
        }
        let mut partials = 1;
        for d in 0..shape.len() {
            if !axes.contains(&d) {
                continue;
            }
            if partials * shape[d] <= target {
                partials *= shape[d];
                continue;
            }
            // Axes up to here stay in the first step; a good divisor of this one joins them.
            if partials * 4 >= target {
                return self.reduce_in_two_steps(x, &axes, d, 1, kind, dtype, value);
            }
            let extent = shape[d];
            let divisor = (1..=target / partials)
                .rev()
                .find(|p| extent.is_multiple_of(*p))
                .unwrap_or(1);
            if partials * divisor * 4 >= target {
                return self.reduce_in_two_steps(x, &axes, d, divisor, kind, dtype, value);
            }
            // No divisor near: the whole blocks and the rest apart.
            let block = target / partials;
            let whole = extent / block * block;
            let part = |graph: &mut Graph, start: usize, stop: usize| {
                let mut to = shape.clone();
                to[d] = stop - start;
                let map = IndexMap::Slice {
                    axis: d,
                    start: start as i64,
                    step: 1,
                };
                let slice = graph.add(Def::View { x, map }, to, dtype, value);
                graph.add_reduce(slice, axes.clone(), kind, dtype, value)
            };
            let (first, rest) = (part(self, 0, whole), part(self, whole, extent));
            let sum = Def::Elementwise(combine, vec![first, rest]);
            return self.add(sum, kept, dtype, value);
        }
        self.add(Def::Reduce { x, axes, kind }, kept, dtype, value)
    }

    /// Reduces axes behind `at` and all but `parts` blocks of `at` first, then the rest.
    #[expect(clippy::too_many_arguments, reason = "the parts of one reduction")]
    fn reduce_in_two_steps(
        &mut self,
        x: Id,
        axes: &[usize],
        at: usize,
        parts: usize,
        kind: Reduction,
        dtype: DType,
        value: Value,
    ) -> Id {
        let mut shape = self.nodes[x].shape.clone();
        let (mut blocked, mut first, mut later) = (x, Vec::new(), Vec::new());
        let shift = usize::from(parts > 1);
        if parts > 1 {
            shape[at] /= parts;
            shape.insert(at, parts);
            blocked = self.add_reshape(x, shape.clone(), dtype, value);
            later.push(at);
        }
        for d in axes {
            match *d >= at {
                true => first.push(d + shift),
                false => later.push(*d),
            }
        }
        let kept = |shape: &[usize], axes: &[usize]| -> Vec<usize> {
            let keep = (0..shape.len()).filter(|d| !axes.contains(d));
            keep.map(|d| shape[d]).collect()
        };
        // Where the axes left of the first step end up once its axes are gone.
        let left: Vec<usize> = later
            .iter()
            .map(|d| d - first.iter().filter(|f| *f < d).count())
            .collect();
        let shape_one = kept(&shape, &first);
        let shape_two = kept(&shape_one, &left);
        let one = Def::Reduce {
            x: blocked,
            axes: first,
            kind,
        };
        let one = self.add(one, shape_one, dtype, value);
        let two = Def::Reduce {
            x: one,
            axes: left,
            kind,
        };
        self.add(two, shape_two, dtype, value)
    }
}

fn axes_in_order(axes: &[usize]) -> Vec<usize> {
    let mut out = axes.to_vec();
    out.sort_unstable();
    out
}
