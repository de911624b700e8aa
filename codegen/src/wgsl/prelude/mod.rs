//! Functions that generated shaders bring along, each printed only where it is needed.
//!
//! WGSL's own transcendental functions are too loose on some drivers (measured: `exp` 4e-6
//! relative, `log(0)` = -88, `tanh(90)` = NaN), and NaN is lost in comparisons and conversions, so
//! these test bits and use their own polynomials: near-minimax fits made for these files (weighted
//! least squares, Lawson's iteration), errors stated at each. The stated errors hold on drivers
//! whose `fma` and arithmetic are IEEE. Drivers may take subnormal numbers (below 1.2e-38) for zeros, as
//! operands and as results, and may choose anew at each instruction.

mod angle;
mod exponential;
mod half;
mod integer;
mod number;

/// A function and the functions it calls.
pub(super) struct Item {
    /// Its name in WGSL.
    pub name: &'static str,
    /// Names of other items.
    pub needs: &'static [&'static str],
    /// Its text.
    pub text: &'static str,
}

/// Every function, callees before callers.
pub(super) fn items() -> impl DoubleEndedIterator<Item = &'static Item> {
    let families = [
        number::ITEMS,
        exponential::ITEMS,
        angle::ITEMS,
        integer::ITEMS,
        half::ITEMS,
    ];
    families.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::items;

    #[test]
    fn callees_stand_before_callers() {
        for (at, item) in items().enumerate() {
            for need in item.needs {
                assert!(
                    items().take(at).any(|other| other.name == *need),
                    "`{}` needs `{need}`, which does not stand before it",
                    item.name
                );
            }
        }
    }

    /// Whether `name` is called in `text`, as a whole word.
    fn calls(text: &str, name: &str) -> bool {
        let in_word = |c: char| c.is_alphanumeric() || c == '_';
        let call = format!("{name}(");
        let mut found = text.match_indices(&call);
        found.any(|(at, _)| !text[..at].ends_with(in_word))
    }

    #[test]
    fn needs_are_exactly_the_items_called() {
        for item in items() {
            for other in items() {
                if other.name != item.name {
                    assert_eq!(
                        calls(item.text, other.name),
                        item.needs.contains(&other.name),
                        "`{}` and `{}`",
                        item.name,
                        other.name
                    );
                }
            }
        }
    }
}
