//! In which order the operands of an einsum are contracted: the cheapest tree of pairs.
//!
//! Up to eight operands every tree is tried (by subsets, so 6561 splits at most). A pair costs the product
//! of the extents of all its labels: that is how many products are added. Where extents are symbols, costs
//! are compared as if every symbol were one and the same great size: first by its power, then by the factor
//! before it. So `B * T * 512` is less than `B * T * T`, whatever T turns out to be; among costs of one power
//! the extents that are known decide. Of trees of equal work the one with the least between its steps is
//! taken, then the one that goes from left to right.

use super::contract::Label;
use crate::dim::{Atom, Dim};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The most operands whose order is searched for.
pub(super) const MOST: usize = 8;

/// Which operands are put together.
pub(super) enum Tree {
    /// One of them.
    Operand(usize),
    /// What two trees make.
    Pair(Box<(Tree, Tree)>),
}

/// A dim as a power of the size that all symbols stand for, and what is before it.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    power: i32,
    factor: f64,
}

impl Extent {
    const ONE: Extent = Extent {
        power: 0,
        factor: 1.0,
    };

    /// The greatest term of a dim.
    pub fn of(dim: &Dim) -> Extent {
        let mut sum = Cost::default();
        for (monomial, coefficient) in dim.terms() {
            let mut term = Extent {
                // Only its size counts, so rounding does no harm.
                factor: coefficient as f64,
                ..Extent::ONE
            };
            for (atom, power) in &monomial {
                let atom = match atom {
                    Atom::Symbol(_) => Extent::SYMBOL,
                    Atom::Floor(a, b) => Extent::of(a).over(Extent::of(b)),
                };
                for _ in 0..*power {
                    term = term.times(atom);
                }
            }
            sum.add(term);
        }
        match sum.0.iter().next_back() {
            Some((power, factor)) => Extent {
                power: *power,
                factor: *factor,
            },
            None => Extent {
                factor: 0.0,
                ..Extent::ONE
            },
        }
    }

    /// One symbol, or a sequence of dims.
    pub const SYMBOL: Extent = Extent {
        power: 1,
        factor: 1.0,
    };

    fn times(self, other: Extent) -> Extent {
        Extent {
            power: self.power.saturating_add(other.power),
            factor: self.factor * other.factor,
        }
    }

    fn over(self, other: Extent) -> Extent {
        Extent {
            power: self.power.saturating_sub(other.power),
            factor: self.factor / other.factor,
        }
    }
}

/// A sum of extents: what is before each power; none is 0.
#[derive(Clone, Default)]
struct Cost(BTreeMap<i32, f64>);

impl Cost {
    fn add(&mut self, extent: Extent) {
        let factor = self.0.entry(extent.power).or_insert(0.0);
        *factor += extent.factor;
        if *factor == 0.0 {
            self.0.remove(&extent.power);
        }
    }

    fn plus(&self, other: &Cost) -> Cost {
        let mut out = self.clone();
        for (power, factor) in &other.0 {
            out.add(Extent {
                power: *power,
                factor: *factor,
            });
        }
        out
    }

    fn cmp(&self, other: &Cost) -> Ordering {
        let factor = |c: &Cost, power: i32| c.0.get(&power).copied().unwrap_or(0.0);
        let mut powers: Vec<i32> = self.0.keys().chain(other.0.keys()).copied().collect();
        powers.sort_unstable_by(|a, b| b.cmp(a));
        let each = powers.iter();
        let mut each = each.map(|p| factor(self, *p).total_cmp(&factor(other, *p)));
        each.find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// The best way to put a subset of the operands together.
struct Best {
    /// The subset of the left side; 0 where it is one operand.
    left: usize,
    /// What is left of the labels.
    labels: Vec<Label>,
    work: Cost,
    memory: Cost,
}

/// The cheapest tree over operands with these labels, each once, of which `kept` are those of the result.
pub(super) fn cheapest(
    operands: &[Vec<Label>],
    kept: &[Label],
    extent: &dyn Fn(Label) -> Extent,
) -> Tree {
    let n = operands.len();
    if n > MOST {
        // Nothing is searched: from left to right.
        return (1..n).fold(Tree::Operand(0), |tree, i| {
            Tree::Pair(Box::new((tree, Tree::Operand(i))))
        });
    }
    let all = (1_usize << n) - 1;
    let size = |labels: &[Label]| {
        let extents = labels.iter().map(|l| extent(*l));
        extents.fold(Extent::ONE, Extent::times)
    };
    let mut best: Vec<Option<Best>> = (0..=all).map(|_| None).collect();
    for subset in 1..=all {
        let needed = |l: &Label| {
            let outside = (0..n).filter(|i| subset & (1 << i) == 0);
            kept.contains(l) || outside.into_iter().any(|i| operands[i].contains(l))
        };
        if subset.is_power_of_two() {
            let labels = &operands[subset.trailing_zeros() as usize];
            best[subset] = Some(Best {
                left: 0,
                labels: labels.iter().copied().filter(needed).collect(),
                work: Cost::default(),
                memory: Cost::default(),
            });
            continue;
        }
        let mut found: Option<Best> = None;
        for left in splits(subset) {
            let (Some(x), Some(y)) = (&best[left], &best[subset & !left]) else {
                continue;
            };
            let mut labels = x.labels.clone();
            labels.extend(y.labels.iter().filter(|l| !x.labels.contains(l)));
            let mut work = x.work.plus(&y.work);
            work.add(size(&labels));
            labels.retain(needed);
            let mut memory = x.memory.plus(&y.memory);
            memory.add(size(&labels));
            let better = found.as_ref().is_none_or(|f| {
                let order = work.cmp(&f.work).then_with(|| memory.cmp(&f.memory));
                order.is_lt()
            });
            if better {
                found = Some(Best {
                    left,
                    labels,
                    work,
                    memory,
                });
            }
        }
        best[subset] = found;
    }
    tree(&best, all)
}

/// The left sides of a subset's splits, each split once: all but the last operand first.
fn splits(subset: usize) -> impl Iterator<Item = usize> {
    let first = 1 << subset.trailing_zeros();
    let last = 1 << subset.ilog2();
    let from_left = subset & !last;
    let others = (1..subset).filter(move |left| left & !subset == 0 && left & first != 0);
    [from_left]
        .into_iter()
        .chain(others.filter(move |left| *left != from_left))
}

fn tree(best: &[Option<Best>], subset: usize) -> Tree {
    match &best[subset] {
        Some(b) if b.left != 0 => {
            Tree::Pair(Box::new((tree(best, b.left), tree(best, subset & !b.left))))
        }
        _ => Tree::Operand(subset.trailing_zeros() as usize),
    }
}
