//! `rearrange`, `reduce` and `repeat`: an operand's axes are split as the left side of a pattern says, those
//! that the right side lacks are reduced, the others put in its order, new ones repeated, and merged.

use super::pattern::{Item, Pattern, PatternError, flat, side};
use super::shape_of;
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::{Op, OpError};
use crate::ops::rules::product;
use crate::shape::{Axis, Shape};

/// What may become of axes that one side of a pattern lacks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arranging {
    /// Nothing: both sides name the same axes.
    Rearrange,
    /// Those of the left side are reduced by an op over axes.
    Reduce(Op),
    /// Those of the right side are new, and the operand is repeated along them.
    Repeat,
}

/// `x` with its axes as the right side of a pattern says; `sizes` are those that are given by name.
///
/// # Errors
/// A pattern that does not fit `x`, or that names axes on one side alone where that has no meaning; sizes
/// that are missing, or do not divide or make up an axis.
pub fn arrange(
    b: &mut Builder,
    x: Value,
    pattern: &Pattern,
    how: Arranging,
    sizes: &[(String, Dim)],
) -> Result<Value, OpError> {
    let shape = shape_of(b, x);
    let left = matched(pattern, how, &shape, sizes).map_err(refused)?;
    let split = Shape {
        sequence: shape.sequence.clone(),
        dims: left.iter().map(|(_, dim)| dim.clone()).collect(),
    };
    let mut value = b.reshape(x, &split)?;
    let right: Vec<Part> = parts(&pattern.right, left.iter().map(|(part, _)| part));
    // What goes.
    let mut gone: Vec<Axis> = Vec::new();
    if shape.sequence.is_some() && !flat(&pattern.right).any(|i| *i == Item::Ellipsis) {
        gone.push(Axis::Sequence);
    }
    let mut kept = Vec::new();
    for (i, (part, dim)) in left.iter().enumerate() {
        match right.contains(part) {
            true => kept.push((part, dim)),
            false => gone.push(Axis::At(i)),
        }
    }
    if let (Arranging::Reduce(op), false) = (how, gone.is_empty()) {
        value = super::reduce(b, op, value, &gone, false)?;
    }
    // The order of the right side.
    let mut order: Vec<Axis> = Vec::new();
    order.extend(shape_of(b, value).sequence.map(|_| Axis::Sequence));
    let place = |part: &Part| kept.iter().position(|(p, _)| *p == part);
    order.extend(right.iter().filter_map(place).map(Axis::At));
    value = b.permute(value, &order)?;
    // What is new.
    let mut wide = Shape {
        sequence: shape_of(b, value).sequence,
        dims: Vec::new(),
    };
    let mut new = Vec::new();
    for (i, part) in right.iter().enumerate() {
        let dim = match (kept.iter().find(|(p, _)| *p == part), part) {
            (Some((_, dim)), _) => (*dim).clone(),
            (None, Part::Number(_, n)) => Dim::constant(*n),
            (None, Part::Name(name)) => {
                let no_size = || refused(PatternError::NoSize(name.clone()));
                given(sizes, name).ok_or_else(no_size)?
            }
            (None, Part::Between(_)) => {
                return Err(refused(PatternError::EllipsisUnknown));
            }
        };
        if place(part).is_none() {
            new.push(Axis::At(i));
        }
        wide.dims.push(dim);
    }
    value = b.broadcast(value, &wide, &new)?;
    let to = merged(pattern, &right, wide)?;
    b.reshape(value, &to)
}

/// The shape of the right side, whose parts have the dims of `wide`: those in parentheses are one.
fn merged(pattern: &Pattern, right: &[Part], wide: Shape) -> Result<Shape, OpError> {
    let mut to = Shape {
        sequence: wide.sequence.clone(),
        dims: Vec::new(),
    };
    let between = right.iter().filter(|p| matches!(p, Part::Between(_)));
    let between = between.count();
    let mut dims = wide.dims.into_iter();
    let mut take = |item: &Item| -> Vec<Dim> {
        match item {
            Item::Ellipsis => dims.by_ref().take(between).collect(),
            Item::Number(1) => vec![Dim::constant(1)],
            Item::Name(_) | Item::Number(_) => dims.by_ref().take(1).collect(),
            Item::Group(_) => Vec::new(),
        }
    };
    for item in &pattern.right {
        match item {
            Item::Group(inner) => {
                let merged: Vec<Dim> = inner.iter().flat_map(&mut take).collect();
                to.dims.push(product(&merged)?);
            }
            Item::Name(_) | Item::Number(_) | Item::Ellipsis => to.dims.extend(take(item)),
        }
    }
    Ok(to)
}

fn refused(error: PatternError) -> OpError {
    OpError::Pattern(Box::new(error))
}

/// An axis once all are split.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Name(String),
    /// One without a name, and which of them it is: those of the right side come behind those of the left.
    Number(usize, i64),
    /// The `n`th of `...`.
    Between(usize),
}

/// The axes of the right side, those of one index left out; `left` has what `...` stands for.
fn parts<'p>(right: &[Item], left: impl Iterator<Item = &'p Part> + Clone) -> Vec<Part> {
    let mut numbers = left.clone().count();
    let mut out = Vec::new();
    for item in flat(right) {
        match item {
            Item::Name(name) => out.push(Part::Name(name.clone())),
            Item::Number(1) => {}
            Item::Number(n) => {
                out.push(Part::Number(numbers, *n));
                numbers += 1;
            }
            Item::Ellipsis => {
                let between = left.clone().filter(|p| matches!(p, Part::Between(_)));
                out.extend(between.cloned());
            }
            Item::Group(_) => {}
        }
    }
    out
}

fn given(sizes: &[(String, Dim)], name: &str) -> Option<Dim> {
    let found = sizes.iter().find(|(n, _)| n == name);
    found.map(|(_, dim)| dim.clone())
}

/// Refuses names and numbers on one side that have no meaning there.
fn sides(pattern: &Pattern, how: Arranging) -> Result<(), PatternError> {
    let has = |items: &[Item], item: &Item| flat(items).any(|i| i == item);
    let (lost, new) = match how {
        Arranging::Rearrange => (false, false),
        Arranging::Reduce(_) => (true, false),
        Arranging::Repeat => (false, true),
    };
    for (items, others, may, is_left) in [
        (&pattern.left, &pattern.right, lost, true),
        (&pattern.right, &pattern.left, new, false),
    ] {
        for item in flat(items).filter(|i| !has(others, i) || matches!(i, Item::Number(_))) {
            match item {
                Item::Number(1) | Item::Group(_) => {}
                _ if may => {}
                Item::Number(n) => return Err(PatternError::Number(*n)),
                Item::Name(name) if is_left => return Err(PatternError::Lost(name.clone())),
                Item::Name(name) => return Err(PatternError::Unknown(name.clone())),
                Item::Ellipsis if is_left => return Err(PatternError::EllipsisLost),
                Item::Ellipsis => return Err(PatternError::EllipsisUnknown),
            }
        }
    }
    Ok(())
}

/// The axes of `shape` as the left side splits them, with their sizes; those of one index are left out.
fn matched(
    pattern: &Pattern,
    how: Arranging,
    shape: &Shape,
    sizes: &[(String, Dim)],
) -> Result<Vec<(Part, Dim)>, PatternError> {
    sides(pattern, how)?;
    let front = |items: &[Item]| items.first() == Some(&Item::Ellipsis);
    let all_reduced = !flat(&pattern.right).any(|i| *i == Item::Ellipsis);
    if shape.sequence.is_some() && !(front(&pattern.left) && (front(&pattern.right) || all_reduced))
    {
        return Err(PatternError::Sequence(shape.clone()));
    }
    let has_between = pattern.left.contains(&Item::Ellipsis);
    let named = pattern.left.len() - usize::from(has_between);
    let between = shape.len().checked_sub(named);
    let Some(between) = between.filter(|n| has_between || *n == 0) else {
        return Err(PatternError::Axes {
            side: side(&pattern.left),
            axes: named,
            shape: shape.clone(),
        });
    };
    let mut out = Vec::new();
    let mut dims = shape.dims.iter().enumerate();
    for item in &pattern.left {
        if *item == Item::Ellipsis {
            let between = dims.by_ref().take(between).enumerate();
            out.extend(between.map(|(n, (_, dim))| (Part::Between(n), dim.clone())));
            continue;
        }
        let Some((axis, dim)) = dims.next() else {
            break;
        };
        let inner = match item {
            Item::Group(inner) => inner.as_slice(),
            Item::Name(_) | Item::Number(_) | Item::Ellipsis => std::slice::from_ref(item),
        };
        split(item, inner, (axis, dim), sizes, &mut out)?;
    }
    Ok(out)
}

/// An axis as the names that are it.
fn split(
    item: &Item,
    inner: &[Item],
    (axis, dim): (usize, &Dim),
    sizes: &[(String, Dim)],
    out: &mut Vec<(Part, Dim)>,
) -> Result<(), PatternError> {
    let mut known = Dim::constant(1);
    let mut unknown: Vec<&str> = Vec::new();
    let wrong_size = |given: &Dim| PatternError::Size {
        item: item.to_string(),
        given: given.clone(),
        axis,
        dim: dim.clone(),
    };
    for part in inner {
        let size = match part {
            Item::Name(name) => given(sizes, name),
            Item::Number(n) => Some(Dim::constant(*n)),
            Item::Ellipsis | Item::Group(_) => None,
        };
        match (size, part) {
            (Some(size), _) => match known.checked_mul(&size) {
                Some(product) => known = product,
                None => return Err(wrong_size(&size)),
            },
            (None, Item::Name(name)) => unknown.push(name),
            (None, Item::Number(_) | Item::Ellipsis | Item::Group(_)) => {}
        }
    }
    let rest = match unknown.as_slice() {
        [] if known == *dim => None,
        [] => return Err(wrong_size(&known)),
        // What an axis of no index is divided into cannot be told.
        [name] => match dim.exact_div(&known) {
            Some(rest) => Some(rest),
            None => {
                return Err(PatternError::Indivisible {
                    group: item.to_string(),
                    name: (*name).to_string(),
                    dim: dim.clone(),
                    known,
                });
            }
        },
        several => {
            return Err(PatternError::Sizes {
                group: item.to_string(),
                names: several.iter().map(|n| (*n).to_string()).collect(),
                dim: dim.clone(),
            });
        }
    };
    for part in inner {
        match part {
            Item::Name(name) => {
                let size = given(sizes, name).or_else(|| rest.clone());
                let size = size.ok_or_else(|| PatternError::NoSize(name.clone()))?;
                out.push((Part::Name(name.clone()), size));
            }
            Item::Number(1) => {}
            Item::Number(n) => out.push((Part::Number(out.len(), *n), Dim::constant(*n))),
            Item::Ellipsis | Item::Group(_) => {}
        }
    }
    Ok(())
}
