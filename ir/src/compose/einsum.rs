//! Einsum: a text names the axes of operands by letters, and says which of them the result has.
//!
//! Letters that are not in the result are summed over. A letter that one operand has twice takes the
//! diagonal of the two axes. `...` stands for the axes that no letter names, which broadcast. Without `->`
//! the result is NumPy's: `...`, then the letters that occur once, in the order of the alphabet. Operands
//! are put together in the cheapest order ([`super::order`]).

use super::contract::{Label, Labelled, aligned, batch_labels, batch_of, contract, give_way};
use super::order::{Extent, MOST, Tree, cheapest};
use super::{is_one, shape_of};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::OpError;
use crate::ops::rules::{plus, product, times};
use crate::shape::{Axis, Shape};

/// An axis of an operand that a letter names: the operand, the axis among its dims, the dim.
pub type LetterPlace = (usize, usize, Dim);

/// What is wrong with the text of an einsum, or why it does not fit its operands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EinsumError {
    /// A sign that names no axis.
    #[error("`{0}` is no letter")]
    NoLetter(char),
    /// More than one `->`.
    #[error("`->` is there twice")]
    Arrows,
    /// A term with more than one `...`.
    #[error("`...` is twice in `{0}`")]
    EllipsisTwice(String),
    /// Another number of terms than of operands.
    #[error("the text has {terms} terms, and there are {operands} operands")]
    Operands {
        /// Terms in the text.
        terms: usize,
        /// Operands given.
        operands: usize,
    },
    /// More operands than there may be.
    #[error("{0} operands are more than {MOST}")]
    TooMany(usize),
    /// A term that does not name each axis of its operand.
    #[error("`{term}` names {letters} axes, and operand {operand} is ({shape})")]
    Axes {
        /// Which operand.
        operand: usize,
        /// Its term.
        term: String,
        /// How many axes that names.
        letters: usize,
        /// The operand's shape.
        shape: Shape,
    },
    /// A sequence of dims that no `...` in front of the letters stands for.
    #[error(
        "no `...` in front of `{term}` stands for the sequence of operand {operand}, ({shape})"
    )]
    Sequence {
        /// Which operand.
        operand: usize,
        /// Its term.
        term: String,
        /// The operand's shape.
        shape: Shape,
    },
    /// A letter that is twice in the result.
    #[error("`{0}` is twice in the result")]
    ResultTwice(char),
    /// A letter of the result that no operand has.
    #[error("`{0}` is in the result and in no operand")]
    ResultUnknown(char),
    /// A result without the axes of `...`.
    #[error("the axes of `...` are missing in the result")]
    ResultEllipsis,
    /// A result whose `...` stands for a sequence and is not in front.
    #[error("`...` stands for a sequence, and is not in front of `{0}`")]
    ResultSequence(String),
    /// A letter that names two sizes.
    #[error("`{letter}` is {} in operand {} and {} in operand {}", .left.2, .left.0, .right.2, .right.0)]
    Letter {
        /// Which.
        letter: char,
        /// The one place.
        left: LetterPlace,
        /// The other.
        right: LetterPlace,
    },
}

/// The letters of a term around its `...`.
#[derive(Clone, Debug, PartialEq)]
struct Term {
    /// In front of `...`, or all where there is none.
    before: Vec<char>,
    /// Behind `...`.
    behind: Option<Vec<char>>,
}

impl Term {
    fn parse(text: &str) -> Result<Term, EinsumError> {
        let letters = |text: &str| -> Result<Vec<char>, EinsumError> {
            match text.chars().find(|c| !c.is_alphabetic()) {
                Some(c) => Err(EinsumError::NoLetter(c)),
                None => Ok(text.chars().collect()),
            }
        };
        let parts: Vec<&str> = text.split("...").collect();
        match parts.as_slice() {
            [before] => Ok(Term {
                before: letters(before)?,
                behind: None,
            }),
            [before, behind] => Ok(Term {
                before: letters(before)?,
                behind: Some(letters(behind)?),
            }),
            _ => Err(EinsumError::EllipsisTwice(text.to_string())),
        }
    }

    fn letters(&self) -> impl Iterator<Item = char> {
        self.before
            .iter()
            .chain(self.behind.iter().flatten())
            .copied()
    }

    /// Labels, `ellipsis` for `...`.
    fn labels(&self, ellipsis: &[Label]) -> Vec<Label> {
        let label = |c: &char| Label::Letter(*c);
        let mut out: Vec<Label> = self.before.iter().map(label).collect();
        if let Some(behind) = &self.behind {
            out.extend_from_slice(ellipsis);
            out.extend(behind.iter().map(label));
        }
        out
    }

    /// How many dims `...` stands for in operand `i` of this shape.
    fn front(&self, i: usize, shape: &Shape) -> Result<usize, EinsumError> {
        let letters = self.letters().count();
        let leads = self.behind.is_some() && self.before.is_empty();
        if shape.sequence.is_some() && !leads {
            return Err(EinsumError::Sequence {
                operand: i,
                term: self.to_string(),
                shape: shape.clone(),
            });
        }
        match (shape.len().checked_sub(letters), &self.behind) {
            (Some(0), None) => Ok(0),
            (Some(front), Some(_)) => Ok(front),
            (Some(_), None) | (None, _) => Err(EinsumError::Axes {
                operand: i,
                term: self.to_string(),
                letters,
                shape: shape.clone(),
            }),
        }
    }

    /// The letters with the axes that they name, where `...` stands for `front`.
    fn places(&self, front: usize) -> impl Iterator<Item = (char, usize)> {
        let behind = self.before.len() + front;
        let before = self.before.iter().copied().zip(0..);
        before.chain(self.behind.iter().flatten().copied().zip(behind..))
    }
}

impl std::fmt::Display for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |letters: &[char]| letters.iter().collect::<String>();
        match &self.behind {
            None => write!(f, "{}", text(&self.before)),
            Some(behind) => write!(f, "{}...{}", text(&self.before), text(behind)),
        }
    }
}

/// The terms of the operands and that of the result.
fn parse(text: &str) -> Result<(Vec<Term>, Term), EinsumError> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let sides: Vec<&str> = text.split("->").collect();
    let (terms, result) = match sides.as_slice() {
        [terms] => (*terms, None),
        [terms, result] => (*terms, Some(*result)),
        _ => return Err(EinsumError::Arrows),
    };
    let terms = terms.split(',').map(Term::parse);
    let terms = terms.collect::<Result<Vec<Term>, EinsumError>>()?;
    let result = match result {
        Some(result) => Term::parse(result)?,
        None => implied(&terms),
    };
    let letters: Vec<char> = result.letters().collect();
    for (i, c) in letters.iter().enumerate() {
        if letters[..i].contains(c) {
            return Err(EinsumError::ResultTwice(*c));
        }
        if !terms.iter().any(|t| t.letters().any(|l| l == *c)) {
            return Err(EinsumError::ResultUnknown(*c));
        }
    }
    Ok((terms, result))
}

/// The result where the text says none.
fn implied(terms: &[Term]) -> Term {
    let all: Vec<char> = terms.iter().flat_map(Term::letters).collect();
    let once = |c: &char| all.iter().filter(|l| *l == c).count() == 1;
    let mut letters: Vec<char> = all.iter().copied().filter(once).collect();
    letters.sort_unstable();
    match terms.iter().any(|t| t.behind.is_some()) {
        true => Term {
            before: Vec::new(),
            behind: Some(letters),
        },
        false => Term {
            before: letters,
            behind: None,
        },
    }
}

/// `einsum("bthd,bshd->bhts", [q, k])`, see the module.
///
/// # Errors
/// A text that is not of that form, or does not fit the operands; dims of one letter that differ; more than
/// eight operands.
pub fn einsum(b: &mut Builder, spec: &str, operands: &[Value]) -> Result<Value, OpError> {
    let (terms, result) = parse(spec).map_err(refused)?;
    let shapes: Vec<Shape> = operands.iter().map(|x| shape_of(b, *x)).collect();
    let fronts = fit(&terms, &shapes).map_err(refused)?;
    let mut labelled = Vec::with_capacity(operands.len());
    let mut broadcast = Vec::new();
    for (i, x) in operands.iter().enumerate() {
        let (term, front) = (&terms[i], fronts[i]);
        if let Some(behind) = &term.behind {
            broadcast.push((*x, front_shape(&shapes[i], term.before.len(), behind.len())));
        }
        let labels = term.labels(&batch_labels(&shapes[i], front));
        labelled.push(diagonal(b, *x, labels)?);
    }
    aligned(broadcast.iter().map(|(_, shape)| shape))?;
    let ellipsis = batch_of(&labelled);
    let fits = match &result.behind {
        None if !ellipsis.is_empty() => Err(EinsumError::ResultEllipsis),
        Some(_) if ellipsis.first() == Some(&Label::Sequence) && !result.before.is_empty() => {
            Err(EinsumError::ResultSequence(result.to_string()))
        }
        Some(_) | None => Ok(()),
    };
    fits.map_err(refused)?;
    let out = result.labels(&ellipsis);
    give_way(b, &mut labelled)?;
    let names: Vec<Vec<Label>> = labelled.iter().map(|x| x.labels.clone()).collect();
    let extent = |l: Label| {
        let dim = labelled.iter().find_map(|x| x.dim(b, l));
        dim.map_or(Extent::SYMBOL, |d| Extent::of(&d))
    };
    let tree = cheapest(&names, &out, &extent);
    let product = put_together(b, &labelled, &tree, &out)?;
    let product = product.summed(b, &out)?;
    Ok(product.ordered(b, &out)?.value)
}

fn refused(error: EinsumError) -> OpError {
    OpError::Einsum(Box::new(error))
}

/// The dims that `...` stands for, as a shape.
fn front_shape(shape: &Shape, before: usize, behind: usize) -> Shape {
    Shape {
        sequence: shape.sequence.clone(),
        dims: shape.dims[before..shape.len() - behind].to_vec(),
    }
}

/// Whether the terms fit the operands: for each, how many dims `...` stands for.
fn fit(terms: &[Term], shapes: &[Shape]) -> Result<Vec<usize>, EinsumError> {
    if shapes.len() > MOST {
        return Err(EinsumError::TooMany(shapes.len()));
    }
    if terms.len() != shapes.len() {
        return Err(EinsumError::Operands {
            terms: terms.len(),
            operands: shapes.len(),
        });
    }
    let each = terms.iter().zip(shapes).enumerate();
    let fronts = each.map(|(i, (term, shape))| term.front(i, shape));
    let fronts = fronts.collect::<Result<Vec<usize>, EinsumError>>()?;
    // The size of each letter so far; a 1 gives way to another operand's.
    let mut sizes: Vec<(char, LetterPlace)> = Vec::new();
    for (i, ((term, shape), front)) in terms.iter().zip(shapes).zip(&fronts).enumerate() {
        let mut own: Vec<(char, LetterPlace)> = Vec::new();
        for (letter, axis) in term.places(*front) {
            let place = (i, axis, shape.dims[axis].clone());
            match own.iter().find(|(l, _)| *l == letter) {
                Some((_, first)) if first.2 != place.2 => {
                    return Err(EinsumError::Letter {
                        letter,
                        left: first.clone(),
                        right: place,
                    });
                }
                Some(_) => {}
                None => own.push((letter, place)),
            }
        }
        for (letter, place) in own {
            match sizes.iter_mut().find(|(l, _)| *l == letter) {
                None => sizes.push((letter, place)),
                Some((_, first)) if is_one(&first.2) => *first = place,
                Some((_, first)) if first.2 == place.2 || is_one(&place.2) => {}
                Some((_, first)) => {
                    return Err(EinsumError::Letter {
                        letter,
                        left: first.clone(),
                        right: place,
                    });
                }
            }
        }
    }
    Ok(fronts)
}

/// The product of a tree's operands, with the labels that the result or other operands need.
fn put_together(
    b: &mut Builder,
    operands: &[Labelled],
    tree: &Tree,
    needed: &[Label],
) -> Result<Labelled, OpError> {
    match tree {
        Tree::Operand(i) => Ok(operands[*i].clone()),
        Tree::Pair(pair) => {
            let (left, right) = &**pair;
            let with = |other: &Tree| {
                let mut needed = needed.to_vec();
                labels_of(other, operands, &mut needed);
                needed
            };
            let x = put_together(b, operands, left, &with(right))?;
            let y = put_together(b, operands, right, &with(left))?;
            contract(b, x, y, needed)
        }
    }
}

fn labels_of(tree: &Tree, operands: &[Labelled], out: &mut Vec<Label>) {
    match tree {
        Tree::Operand(i) => out.extend(&operands[*i].labels),
        Tree::Pair(pair) => {
            labels_of(&pair.0, operands, out);
            labels_of(&pair.1, operands, out);
        }
    }
}

/// Letters that are twice in a term: the elements where both indices are equal. Those are every
/// `n + 1`th of the two axes in one.
fn diagonal(b: &mut Builder, x: Value, labels: Vec<Label>) -> Result<Labelled, OpError> {
    let mut labelled = Labelled { value: x, labels };
    while let Some((i, j)) = twice(&labelled.labels) {
        let sequence = usize::from(labelled.has_sequence());
        // Both last, then one axis.
        let (first, second) = (Axis::At(i - sequence), Axis::At(j - sequence));
        let shape = shape_of(b, labelled.value);
        let mut order = super::rest(&shape, &[first, second]);
        order.extend([first, second]);
        let mut wide = shape.select(&order).ok_or(OpError::Sequence(shape))?;
        let square = b.permute(labelled.value, &order)?;
        let side = wide.dims.split_off(wide.len() - 2);
        wide.dims.push(product(&side)?);
        let line = b.reshape(square, &wide)?;
        let one = Dim::constant(1);
        let range = [
            &Dim::constant(0),
            &times(&side[0], &side[0])?,
            &plus(&side[0], &one)?,
        ];
        let label = labelled.labels[i];
        labelled.value = b.slice(line, Axis::At(wide.len() - 1), range)?;
        labelled.labels.remove(j);
        labelled.labels.remove(i);
        labelled.labels.push(label);
    }
    Ok(labelled)
}

/// The places of a label that is there twice.
fn twice(labels: &[Label]) -> Option<(usize, usize)> {
    (0..labels.len()).find_map(|j| {
        let first = labels[..j].iter().position(|l| *l == labels[j])?;
        Some((first, j))
    })
}
