//! The texts of `rearrange`, `reduce` and `repeat`, in einops' syntax: `"b t (h d) -> b h t d"`.
//!
//! A side names axes. Names in parentheses are axes that are one: on the left the axis is split into them, on
//! the right they are merged. `1` and `()` are an axis of one index, `...` is all axes that are not named.

use crate::dim::Dim;
use crate::shape::Shape;
use std::fmt;

/// What is wrong with a pattern, or why it does not fit its operand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// No `->`, or more than one.
    #[error("a pattern has one `->`")]
    Arrow,
    /// A sign that is in no pattern.
    #[error("`{0}` is in no pattern")]
    Sign(char),
    /// Parentheses that do not match, or stand in each other.
    #[error("parentheses do not match in `{0}`")]
    Parentheses(String),
    /// More than one `...` on one side.
    #[error("`...` is twice in `{0}`")]
    EllipsisTwice(String),
    /// `...` in parentheses on the left.
    #[error("`...` is in parentheses on the left")]
    EllipsisSplit,
    /// `...` on the right alone.
    #[error("`...` is on the right and not on the left")]
    EllipsisUnknown,
    /// `...` on the left alone.
    #[error("`...` is on the left and not on the right")]
    EllipsisLost,
    /// A name that is twice on one side.
    #[error("`{name}` is twice in `{side}`")]
    Twice {
        /// The name.
        name: String,
        /// The side.
        side: String,
    },
    /// A name on the right alone.
    #[error("`{0}` is on the right and not on the left")]
    Unknown(String),
    /// A name on the left alone.
    #[error("`{0}` is on the left and not on the right")]
    Lost(String),
    /// A number where no axis may be without a name.
    #[error("`{0}` names no axis here")]
    Number(i64),
    /// Another number of axes than the operand has.
    #[error("`{side}` is {axes} axes, and the operand is ({shape})")]
    Axes {
        /// The left side.
        side: String,
        /// How many it is.
        axes: usize,
        /// The operand's shape.
        shape: Shape,
    },
    /// A sequence of dims that `...` does not stand for in front of both sides.
    #[error("`...` stands for the sequence in ({0}) in front of a side alone")]
    Sequence(Shape),
    /// Several names in parentheses whose sizes are not given.
    #[error("the sizes of {} in `{group}` are not known", .names.join(", "))]
    Sizes {
        /// The parentheses.
        group: String,
        /// The names.
        names: Vec<String>,
        /// The axis they are.
        dim: Dim,
    },
    /// An axis that the sizes given do not divide.
    #[error("`{group}` is `{dim}`, no multiple of `{known}`")]
    Indivisible {
        /// The parentheses.
        group: String,
        /// The name whose size is asked for.
        name: String,
        /// The axis.
        dim: Dim,
        /// The product of what is given.
        known: Dim,
    },
    /// An axis of another size than is given.
    #[error("`{item}` is `{given}`, and the axis is `{dim}`")]
    Size {
        /// What names the axis.
        item: String,
        /// Its size there.
        given: Dim,
        /// Which axis of the operand it is.
        axis: usize,
        /// The axis.
        dim: Dim,
    },
    /// A new axis without a size.
    #[error("the size of `{0}` is not given")]
    NoSize(String),
}

/// A part of a side.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    /// An axis.
    Name(String),
    /// An axis without a name.
    Number(i64),
    /// `...`
    Ellipsis,
    /// Axes that are one.
    Group(Vec<Item>),
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Name(name) => f.write_str(name),
            Item::Number(n) => write!(f, "{n}"),
            Item::Ellipsis => f.write_str("..."),
            Item::Group(items) => write!(f, "({})", side(items)),
        }
    }
}

/// A side as text.
pub(super) fn side(items: &[Item]) -> String {
    let items: Vec<String> = items.iter().map(Item::to_string).collect();
    items.join(" ")
}

/// The parts of a side, those in parentheses one by one.
pub(super) fn flat(items: &[Item]) -> impl Iterator<Item = &Item> {
    items.iter().flat_map(|item| match item {
        Item::Group(inner) => inner.as_slice(),
        Item::Name(_) | Item::Number(_) | Item::Ellipsis => std::slice::from_ref(item),
    })
}

/// Both sides of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    pub(super) left: Vec<Item>,
    pub(super) right: Vec<Item>,
}

impl Pattern {
    /// Reads a text.
    ///
    /// # Errors
    /// A text that is not of the form; a name or `...` that is twice on one side.
    pub fn parse(text: &str) -> Result<Pattern, PatternError> {
        let sides: Vec<&str> = text.split("->").collect();
        let [left, right] = sides.as_slice() else {
            return Err(PatternError::Arrow);
        };
        let (left, right) = (parse_side(left)?, parse_side(right)?);
        if left
            .iter()
            .any(|i| matches!(i, Item::Group(g) if g.contains(&Item::Ellipsis)))
        {
            return Err(PatternError::EllipsisSplit);
        }
        if flat(&right).any(|i| *i == Item::Ellipsis) && !left.contains(&Item::Ellipsis) {
            return Err(PatternError::EllipsisUnknown);
        }
        Ok(Pattern { left, right })
    }

    /// The names in it, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut out: Vec<&str> = Vec::new();
        for item in flat(&self.left).chain(flat(&self.right)) {
            if let Item::Name(name) = item
                && !out.contains(&name.as_str())
            {
                out.push(name);
            }
        }
        out
    }
}

fn parse_side(text: &str) -> Result<Vec<Item>, PatternError> {
    let wrong = || PatternError::Parentheses(text.trim().to_string());
    let mut out = Vec::new();
    let mut group: Option<Vec<Item>> = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut width = c.len_utf8();
        let item = match c {
            c if c.is_whitespace() => None,
            '(' => match group.replace(Vec::new()) {
                Some(_) => return Err(wrong()),
                None => None,
            },
            ')' => {
                let inner = group.take().ok_or_else(wrong)?;
                out.push(Item::Group(inner));
                None
            }
            '.' if rest.starts_with("...") => {
                width = 3;
                Some(Item::Ellipsis)
            }
            c if c.is_alphanumeric() || c == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                width = end.unwrap_or(rest.len());
                let word = &rest[..width];
                match c.is_numeric() {
                    true => {
                        let number = word.parse().ok().filter(|n: &i64| *n > 0);
                        Some(Item::Number(number.ok_or(PatternError::Sign(c))?))
                    }
                    false => Some(Item::Name(word.to_string())),
                }
            }
            c => return Err(PatternError::Sign(c)),
        };
        if let Some(item) = item {
            let into = group.as_mut().unwrap_or(&mut out);
            into.push(item);
        }
        rest = &rest[width..];
    }
    if group.is_some() {
        return Err(wrong());
    }
    let all: Vec<&Item> = flat(&out).collect();
    for (i, item) in all.iter().enumerate() {
        let again = all[..i].contains(item);
        match item {
            Item::Name(name) if again => {
                return Err(PatternError::Twice {
                    name: name.clone(),
                    side: side(&out),
                });
            }
            Item::Ellipsis if again => return Err(PatternError::EllipsisTwice(side(&out))),
            Item::Name(_) | Item::Ellipsis | Item::Number(_) | Item::Group(_) => {}
        }
    }
    Ok(out)
}
