//! A column and a row that broadcast into a matrix: `pred - y` of `(B, 1)` and `(B)`.

use sinew_ir::{Dim, Shape};

/// Two shapes that both grow where they meet.
#[derive(Clone, PartialEq, Debug)]
pub struct Growth {
    /// What they grow to.
    pub result: Shape,
    /// Whether the left one is the column.
    pub left_is_column: bool,
}

/// Whether shapes broadcast against each other so that both grow by the same size, though their numbers of
/// axes differ. Who means that writes both with all axes, `(B, 1)` and `(1, B)`.
pub fn growth(left: &Shape, right: &Shape) -> Option<Growth> {
    if left.sequence.is_some() || right.sequence.is_some() {
        return None;
    }
    let left_is_column = left.len() > right.len();
    let (long, short) = match left_is_column {
        true => (&left.dims, &right.dims),
        false => (&right.dims, &left.dims),
    };
    let more = long.len() - short.len();
    let (new, aligned) = long.split_at(more);
    let one = |d: &Dim| d.as_constant() == Some(1);
    let mut pairs = aligned.iter().zip(short);
    // The short one repeats along `new`, the long one along an axis of the same size.
    pairs.find(|(l, s)| one(l) && !one(s) && new.contains(s))?;
    let joined = aligned.iter().zip(short);
    let joined = joined.map(|(l, s)| if one(l) { s.clone() } else { l.clone() });
    Some(Growth {
        result: Shape {
            sequence: None,
            dims: new.iter().cloned().chain(joined).collect(),
        },
        left_is_column,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(dims: &[&str]) -> Shape {
        let dim = |d: &&str| match d.parse() {
            Ok(n) => Dim::constant(n),
            Err(_) => Dim::symbol(d),
        };
        Shape {
            sequence: None,
            dims: dims.iter().map(dim).collect(),
        }
    }

    #[test]
    fn a_column_and_a_row_of_one_size_grow() {
        let found = growth(&shape(&["B", "1"]), &shape(&["B"])).expect("both grow");
        assert_eq!(found.result, shape(&["B", "B"]));
        assert!(found.left_is_column);
        assert!(growth(&shape(&["B"]), &shape(&["B", "1"])).is_some_and(|g| !g.left_is_column));
        assert!(growth(&shape(&["B", "1", "D"]), &shape(&["B", "D"])).is_some());
    }

    #[test]
    fn what_is_usual_is_silent() {
        for (left, right) in [
            (&["B", "4"][..], &["4"][..]),
            (&["B", "1"], &["1"]),
            (&["B", "1"], &["1", "B"]),
            (&["B", "1"], &["4"]),
            (&["B", "B"], &["B"]),
            (&["B", "1"], &[]),
        ] {
            assert_eq!(
                growth(&shape(left), &shape(right)),
                None,
                "{left:?} {right:?}"
            );
        }
    }
}
