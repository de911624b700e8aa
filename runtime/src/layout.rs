//! Where each leaf of a model lies in the two packed regions.
//!
//! Leaves that a step updates are packed into the region `params`; gradients and the optimizer's
//! state use the same places in regions of their own, so that the update is one program over one
//! flat range. All other leaves are packed into `fixed`. Gaps between leaves stay zero.

use crate::backend::ALIGN;
use crate::error::Result;
use crate::model::Model;
use sinew_ir::DType;

/// The packed region a leaf lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// Updated by the step.
    Trained,
    /// Only read.
    Fixed,
}

/// One leaf's place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leaf {
    /// Its path in the model.
    pub path: String,
    /// Its extents.
    pub shape: Vec<usize>,
    /// Its region.
    pub section: Section,
    /// Its first byte there, a multiple of [`ALIGN`].
    pub offset: usize,
    /// Its bytes, without the gap behind it.
    pub bytes: usize,
}

/// All leaves' places.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    /// F32 or F64.
    pub float: DType,
    /// In the model's order.
    pub leaves: Vec<Leaf>,
    /// Size of the region of trained leaves.
    pub trained_bytes: usize,
    /// Size of the region of the others.
    pub fixed_bytes: usize,
}

impl Layout {
    /// Packs the leaves of `model`.
    ///
    /// # Errors
    /// A parameter without elements: see [`Param::init`](crate::Param::init).
    pub fn new<M: Model>(
        model: &M,
        float: DType,
        is_trained: &dyn Fn(&str) -> bool,
    ) -> Result<Layout> {
        crate::model::whole(model)?;
        let size = element_size(float);
        let mut layout = Layout {
            float,
            leaves: Vec::new(),
            trained_bytes: 0,
            fixed_bytes: 0,
        };
        model.visit("", &mut |path, param| {
            let (section, end) = match is_trained(path) {
                true => (Section::Trained, &mut layout.trained_bytes),
                false => (Section::Fixed, &mut layout.fixed_bytes),
            };
            let bytes = param.elements() * size;
            layout.leaves.push(Leaf {
                path: path.to_string(),
                shape: param.shape().to_vec(),
                section,
                offset: *end,
                bytes,
            });
            // Past the largest number there is no such block: asking for it is an error.
            let past = bytes.checked_next_multiple_of(ALIGN).unwrap_or(usize::MAX);
            *end = end.saturating_add(past);
        });
        Ok(layout)
    }

    /// Whether the leaves of `model` are these, in their order.
    pub fn is_of<M: Model>(&self, model: &M) -> bool {
        let mut leaves = self.leaves.iter();
        let mut same = true;
        model.visit("", &mut |path, param| {
            let leaf = leaves.next();
            same &= leaf.is_some_and(|l| l.path == path && l.shape == param.shape());
        });
        same && leaves.next().is_none()
    }

    /// The leaf at `path`.
    pub fn leaf(&self, path: &str) -> Option<&Leaf> {
        self.leaves.iter().find(|l| l.path == path)
    }
}

/// Bytes of an element of a bound type.
pub(crate) fn element_size(dtype: DType) -> usize {
    dtype.size().expect("a bound type has a size")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Param;

    #[test]
    fn leaves_are_packed_by_section() {
        let shapes: [&[usize]; 4] = [&[3, 5], &[], &[0, 7], &[64]];
        let model: Vec<Param> = shapes.iter().map(|s| Param::zeros(s)).collect();
        let layout = Layout::new(&model, DType::F32, &|path| path != "1").expect("whole");
        let places: Vec<_> = layout
            .leaves
            .iter()
            .map(|l| (l.section, l.offset, l.bytes))
            .collect();
        let expected = [
            (Section::Trained, 0, 60),
            (Section::Fixed, 0, 4),
            (Section::Trained, 256, 0),
            (Section::Trained, 256, 256),
        ];
        assert_eq!(places, expected);
        assert_eq!((layout.trained_bytes, layout.fixed_bytes), (512, 256));
        assert_eq!(
            layout.leaf("3").map(|l| l.shape.as_slice()),
            Some(&[64][..])
        );
    }
}
