//! Shapes: dims in order, with at most one leading sequence of unknown length.

use crate::dim::{Dim, Symbol};
use crate::dtype::DType;
use std::fmt;

/// The dims of a tensor. `[S], B, 64` is a sequence symbol `S` followed by two dims.
#[derive(Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Shape {
    /// The leading sequence symbol: any number of dims, bound by the linker.
    pub sequence: Option<Symbol>,
    /// The dims behind it.
    pub dims: Vec<Dim>,
}

/// One axis of a shape, or its whole leading sequence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Axis {
    /// All axes of the leading sequence.
    Sequence,
    /// `dims[i]` of the shape, counted from the left, behind the sequence.
    At(usize),
}

impl Shape {
    /// A shape without a sequence.
    pub fn new(dims: Vec<Dim>) -> Self {
        Shape {
            sequence: None,
            dims,
        }
    }

    /// The shape of a scalar.
    pub fn scalar() -> Self {
        Shape::default()
    }

    /// A shape of known extents.
    pub fn from_extents(extents: &[usize]) -> Self {
        Shape::new(extents.iter().map(|e| Dim::from(*e)).collect())
    }

    /// Its extents, if it has no sequence and every dim is a constant.
    pub fn extents(&self) -> Option<Vec<usize>> {
        match self.sequence {
            Some(_) => None,
            None => self.dims.iter().map(Dim::as_extent).collect(),
        }
    }

    /// The number of dims behind the sequence.
    pub fn len(&self) -> usize {
        self.dims.len()
    }

    /// Whether nothing stands behind the sequence.
    pub fn is_empty(&self) -> bool {
        self.dims.is_empty()
    }

    /// All its axes, the sequence first.
    pub fn axes(&self) -> Vec<Axis> {
        let seq = self.sequence.iter().map(|_| Axis::Sequence);
        seq.chain((0..self.dims.len()).map(Axis::At)).collect()
    }

    /// The shape without one of its dims; `None` if it is not there.
    pub fn without(&self, axis: usize) -> Option<Shape> {
        let mut out = self.clone();
        (axis < out.dims.len()).then(|| out.dims.remove(axis))?;
        Some(out)
    }

    /// The shape with one dim more, at position `axis`; `None` if that is past the end.
    pub fn with(&self, axis: usize, dim: Dim) -> Option<Shape> {
        let mut out = self.clone();
        (axis <= out.dims.len()).then(|| out.dims.insert(axis, dim))?;
        Some(out)
    }

    /// The shape of the given axes, in their order; `None` for one that is not there or a sequence
    /// that would not lead.
    pub fn select(&self, axes: &[Axis]) -> Option<Shape> {
        let mut out = Shape::scalar();
        for (i, axis) in axes.iter().enumerate() {
            match axis {
                Axis::Sequence if i == 0 => out.sequence = Some(self.sequence.clone()?),
                Axis::Sequence => return None,
                Axis::At(a) => out.dims.push(self.dims.get(*a)?.clone()),
            }
        }
        Some(out)
    }
}

impl fmt::Display for Shape {
    /// `[S], B, 64` without brackets around; nothing for a scalar.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        if let Some(s) = &self.sequence {
            write!(f, "[{s}]")?;
            first = false;
        }
        for d in &self.dims {
            if !first {
                f.write_str(", ")?;
            }
            first = false;
            write!(f, "{d}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({self})")
    }
}

/// The type of a value: element type and shape.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Type {
    /// Element type.
    pub dtype: DType,
    /// Shape.
    pub shape: Shape,
}

impl Type {
    /// A tensor type.
    pub fn new(dtype: DType, shape: Shape) -> Self {
        Type { dtype, shape }
    }

    /// The type of a slice along `axis`, which is gone from it.
    pub fn slice(&self, axis: usize) -> Option<Type> {
        Some(Type::new(self.dtype, self.shape.without(axis)?))
    }

    /// The type of `trip` values of this one, stacked along a new `axis`.
    pub fn stack(&self, axis: usize, trip: Dim) -> Option<Type> {
        Some(Type::new(self.dtype, self.shape.with(axis, trip)?))
    }

    /// A tensor type of known extents.
    pub fn from_extents(dtype: DType, extents: &[usize]) -> Self {
        Type::new(dtype, Shape::from_extents(extents))
    }
}

/// The most bytes of a tensor: 256 TiB on hosts of 64 bits, more than any has. What counts the elements
/// of a tensor that passed [`Type::bytes`], or of some of its axes, or gives each a few thousand
/// operations, stays within 64 bits.
pub const MAX_BYTES: usize = if usize::BITS == 64 {
    1 << 48
} else {
    isize::MAX as usize - 4095
};

/// The bytes of elements that lie side by side: the one place where sizes are multiplied.
///
/// None past [`MAX_BYTES`]. An axis of no elements counts as one of one element for that, so that the
/// other axes have a count as well.
pub fn byte_count(extents: &[usize], element: usize) -> Option<usize> {
    let counted = extents.iter().map(|e| (*e).max(1));
    let bytes = counted.into_iter().try_fold(element, usize::checked_mul);
    let bytes = bytes.filter(|b| *b <= MAX_BYTES)?;
    Some(if extents.contains(&0) { 0 } else { bytes })
}

impl Type {
    /// The bytes of its elements; none past [`MAX_BYTES`], or where dims or the element type are not
    /// bound.
    pub fn bytes(&self) -> Option<usize> {
        byte_count(&self.shape.extents()?, self.dtype.size()?)
    }
}

impl fmt::Display for Type {
    /// `float[[S], B, 64]`, `i32[B]`, `float[]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.dtype, self.shape)
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
