//! Where each leaf of a model lies in the two packed regions.
//!
//! Leaves that a step updates are packed into the region `params`, group by group, so that the update is over
//! one flat range for each; all other leaves are packed into `fixed`. Gaps between leaves stay zero. That is for the
//! trainer that puts a model on its device: one that shares it later may train other leaves, which lie in
//! runs (`crate::trainees`).
//!
//! A program has the leaves of repeated children (`blocks.0.w`, `blocks.1.w`, ..) as one parameter
//! (`blocks.w`), with their number in front of its dims. So these lie one behind the other, without
//! gaps: a stack. Any other leaf is a stack of one.

use crate::backend::ALIGN;
use crate::error::Result;
use crate::models::Leaves;
use sinew_ir::DType;
use std::collections::HashMap;

/// The packed region a leaf lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// What the trainer updates that the model was first given to.
    Trained,
    /// All else.
    Fixed,
}

/// The place of a leaf, or of a stack of leaves.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leaf {
    /// Its path in the model; of a stack, without the numbers of children.
    pub path: String,
    /// Its extents; of a stack, the numbers of children first.
    pub shape: Vec<usize>,
    /// Its region.
    pub section: Section,
    /// Its first byte there; of a stack, a multiple of [`ALIGN`].
    pub offset: usize,
    /// Its bytes, without the gap behind it.
    pub bytes: usize,
}

/// A state that a program changes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Changed {
    /// Which of the function's models it is of.
    pub model: usize,
    /// Its place there.
    pub leaf: Leaf,
}

/// All leaves' places.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    /// F32 or F64.
    pub float: DType,
    /// In the model's order.
    pub leaves: Vec<Leaf>,
    /// What programs have as parameters, in the order of their first leaves.
    pub stacks: Vec<Leaf>,
    /// Size of the region of trained leaves.
    pub trained_bytes: usize,
    /// Size of the region of the others.
    pub fixed_bytes: usize,
}

impl Layout {
    /// Packs the leaves of `model`: those that are trained have a `group`.
    ///
    /// # Errors
    /// A parameter without elements: see [`Param::init`](crate::Param::init).
    pub fn new(
        model: &dyn Leaves,
        float: DType,
        group: &dyn Fn(&str) -> Option<usize>,
    ) -> Result<Layout> {
        crate::model::whole(model)?;
        let size = element_size(float);
        let mut layout = Layout {
            float,
            leaves: Vec::new(),
            stacks: Vec::new(),
            trained_bytes: 0,
            fixed_bytes: 0,
        };
        let shapes = stacked_shapes(model);
        let mut known: HashMap<&str, usize> = HashMap::new();
        for (path, shape) in &shapes {
            let section = match group(path) {
                Some(_) => Section::Trained,
                None => Section::Fixed,
            };
            known.insert(path, layout.stacks.len());
            layout.stacks.push(Leaf {
                path: path.clone(),
                shape: shape.clone(),
                section,
                offset: 0,
                // The elements are there, so their number is one that memory can have.
                bytes: shape.iter().product::<usize>() * size,
            });
        }
        let mut by_group: Vec<&mut Leaf> = layout.stacks.iter_mut().collect();
        by_group.sort_by_key(|stack| group(&stack.path));
        for stack in by_group {
            let end = match stack.section {
                Section::Trained => &mut layout.trained_bytes,
                Section::Fixed => &mut layout.fixed_bytes,
            };
            stack.offset = *end;
            // Past the largest number there is no such block: asking for it is an error.
            let past = stack.bytes.checked_next_multiple_of(ALIGN);
            *end = end.saturating_add(past.unwrap_or(usize::MAX));
        }
        let mut filled = vec![0; layout.stacks.len()];
        let (stacks, leaves) = (&layout.stacks, &mut layout.leaves);
        model.each(&mut |path, param| {
            let Some(at) = known.get(without_numbers(path).as_str()) else {
                return;
            };
            let bytes = param.elements() * size;
            leaves.push(Leaf {
                path: path.to_string(),
                shape: param.shape().to_vec(),
                section: stacks[*at].section,
                offset: stacks[*at].offset + filled[*at],
                bytes,
            });
            filled[*at] += bytes;
        });
        Ok(layout)
    }

    /// What a program has at `path`.
    pub fn stack(&self, path: &str) -> Option<&Leaf> {
        self.stacks.iter().find(|s| s.path == path)
    }
}

/// The paths and extents of what programs have as parameters, in the order of their first leaves.
pub(crate) fn stacked_shapes(model: &dyn Leaves) -> Vec<(String, Vec<usize>)> {
    let mut order: Vec<String> = Vec::new();
    let mut shapes: HashMap<String, (Vec<usize>, Vec<usize>)> = HashMap::new();
    model.each(&mut |path, param| {
        let stack = without_numbers(path);
        let (counts, _) = shapes.entry(stack.clone()).or_insert_with(|| {
            order.push(stack);
            (Vec::new(), param.shape().to_vec())
        });
        let (children, _) = path.rsplit_once('.').unwrap_or_default();
        let numbers = children
            .split('.')
            .filter_map(|part| part.parse::<usize>().ok());
        for (level, number) in numbers.enumerate() {
            match counts.get_mut(level) {
                Some(count) => *count = (*count).max(number.saturating_add(1)),
                None => counts.push(number.saturating_add(1)),
            }
        }
    });
    let shape = |path: String| {
        let (mut counts, shape) = shapes.remove(&path).unwrap_or_default();
        counts.extend(shape);
        (path, counts)
    };
    order.into_iter().map(shape).collect()
}

/// A path without the numbers of children. What stands last in it is the leaf's own name.
pub(crate) fn without_numbers(path: &str) -> String {
    numbers_as(path, None)
}

/// A path with `*` in the place of each of these numbers.
pub(crate) fn with_stars(path: &str) -> String {
    numbers_as(path, Some("*"))
}

fn numbers_as(path: &str, word: Option<&str>) -> String {
    let Some((children, name)) = path.rsplit_once('.') else {
        return path.to_string();
    };
    let parts = children.split('.');
    let parts = parts.filter_map(|part| match part.parse::<usize>() {
        Ok(_) => word,
        Err(_) => Some(part),
    });
    let parts: Vec<&str> = parts.chain([name]).collect();
    parts.join(".")
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
        let layout = Layout::new(&model, DType::F32, &|path| (path != "1").then_some(0));
        let layout = layout.expect("whole");
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
            layout.stack("3").map(|l| l.shape.as_slice()),
            Some(&[64][..])
        );
    }
}
