//! Dims: arithmetic in normal form means what the formula means, and what is printed reads back.

use proptest::prelude::*;
use sinew_ir::{Dim, DimError, Symbol, parse};

fn n() -> Dim {
    Dim::symbol("N")
}

fn c(value: i64) -> Dim {
    Dim::constant(value)
}

/// Reads a dim in the symbols N, K and S off a parameter's type.
fn read(text: &str) -> Option<Dim> {
    let text = format!("fn @f<N, K, S>(%x: float[{text}]) -> () {{\n  return\n}}\n");
    let function = parse(&text).ok()?;
    function.values.first()?.shape.dims.first().cloned()
}

#[test]
fn equal_dims_print_alike() {
    let cases = [
        ("N + 0", "N"),
        ("N - N", "0"),
        ("2*N - N", "N"),
        ("K*N + N*K", "2*K*N"),
        ("(N + 1)*(N - 1)", "N*N - 1"),
        ("N*K/K", "N"),
        ("(N*N - 1)/(N + 1)", "N - 1"),
        ("(6*N + 3)/2", "3*N + 1"),
        ("(2*N + 1)/4", "N/2"),
        ("(2*N + 3)/4", "(N + 1)/2"),
        ("5*N/2", "2*N + N/2"),
        ("(N - 3)/2", "(N + 1)/2 - 2"),
        ("(N + 2 - K)/S + 1", "(-K + N + 2)/S + 1"),
        ("7/2", "3"),
        ("-7/2", "-3"),
        ("(-7)/2", "-4"),
        ("3*(N/2)", "3*(N/2)"),
        ("3*N/2", "N + N/2"),
        ("N/(K*S)", "N/(K*S)"),
        ("(N/2)/2", "(N/2)/2"),
        ("0/N", "0"),
    ];
    for (text, printed) in cases {
        let dim = read(text).map(|d| d.to_string());
        assert_eq!(dim.as_deref(), Some(printed), "{text}");
        assert_eq!(read(printed), read(text), "{printed}");
    }
}

#[test]
fn exact_division_is_exact_or_refused() {
    assert_eq!(c(6).exact_div(&c(3)), Some(c(2)));
    assert_eq!(c(7).exact_div(&c(3)), None);
    assert_eq!(c(7).exact_div(&c(0)), None);
    assert_eq!(c(i64::MIN).exact_div(&c(-1)), None);
    assert_eq!(n().exact_div(&c(2)), None);
    assert_eq!(n().exact_div(&Dim::symbol("K")), None);
    assert_eq!(n().exact_div(&n()), Some(c(1)));
    assert_eq!(n().exact_div(&c(0)), None);
}

#[test]
fn a_floor_of_nothing_below_one_is_gone() {
    // Was once kept as the atom `1/2`.
    assert_eq!(read("(2*N + 1)/2"), Some(n()));
}

#[test]
fn values_that_are_no_extents_are_errors() {
    let at = |dim: &str, value: usize| read(dim).map(|d| d.evaluate(&|_| Some(value)));
    assert_eq!(at("N - 3", 5), Some(Ok(2)));
    assert!(matches!(
        at("N - 3", 2),
        Some(Err(DimError::Negative { value: -1, .. }))
    ));
    assert!(matches!(
        at("K/(N - 2)", 2),
        Some(Err(DimError::ZeroDivision(_)))
    ));
    assert!(matches!(
        at("N*N", usize::MAX >> 1),
        Some(Err(DimError::Overflow(_)))
    ));
    assert_eq!(
        n().evaluate(&|_| None),
        Err(DimError::Unbound(Symbol::new("N")))
    );
    assert_eq!(n().floor_div(&c(0)), None);
    assert_eq!(c(i64::MAX).checked_add(&c(1)), None);
    assert_eq!(
        c(i64::MAX)
            .checked_mul(&n())
            .and_then(|d| d.checked_add(&n())),
        None
    );
}

/// A formula, with its meaning told apart from how `Dim` computes it.
#[derive(Clone, Debug)]
enum Formula {
    Number(i64),
    Symbol(usize),
    Add(Box<Formula>, Box<Formula>),
    Sub(Box<Formula>, Box<Formula>),
    Mul(Box<Formula>, Box<Formula>),
    /// By a positive number.
    Div(Box<Formula>, i64),
    /// By a symbol plus one.
    DivSymbol(Box<Formula>, usize),
}

const NAMES: [&str; 3] = ["N", "K", "S"];

impl Formula {
    fn dim(&self) -> Option<Dim> {
        match self {
            Formula::Number(v) => Some(c(*v)),
            Formula::Symbol(s) => Some(Dim::symbol(NAMES[*s])),
            Formula::Add(a, b) => a.dim()?.checked_add(&b.dim()?),
            Formula::Sub(a, b) => a.dim()?.checked_sub(&b.dim()?),
            Formula::Mul(a, b) => a.dim()?.checked_mul(&b.dim()?),
            Formula::Div(a, b) => a.dim()?.floor_div(&c(*b)),
            Formula::DivSymbol(a, s) => {
                let divisor = Dim::symbol(NAMES[*s]).checked_add(&c(1))?;
                a.dim()?.floor_div(&divisor)
            }
        }
    }

    fn value(&self, symbols: &[i64; 3]) -> Option<i64> {
        match self {
            Formula::Number(v) => Some(*v),
            Formula::Symbol(s) => Some(symbols[*s]),
            Formula::Add(a, b) => a.value(symbols)?.checked_add(b.value(symbols)?),
            Formula::Sub(a, b) => a.value(symbols)?.checked_sub(b.value(symbols)?),
            Formula::Mul(a, b) => a.value(symbols)?.checked_mul(b.value(symbols)?),
            Formula::Div(a, b) => Some(a.value(symbols)?.div_euclid(*b)),
            Formula::DivSymbol(a, s) => Some(a.value(symbols)?.div_euclid(symbols[*s] + 1)),
        }
    }
}

fn formula() -> impl Strategy<Value = Formula> {
    let leaf = prop_oneof![
        (-7i64..8).prop_map(Formula::Number),
        (0usize..3).prop_map(Formula::Symbol),
    ];
    leaf.prop_recursive(5, 24, 2, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            two.clone()
                .prop_map(|(a, b)| Formula::Add(a.into(), b.into())),
            two.clone()
                .prop_map(|(a, b)| Formula::Sub(a.into(), b.into())),
            two.prop_map(|(a, b)| Formula::Mul(a.into(), b.into())),
            (inner.clone(), 1i64..7).prop_map(|(a, b)| Formula::Div(a.into(), b)),
            (inner, 0usize..3).prop_map(|(a, s)| Formula::DivSymbol(a.into(), s)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_dim_means_what_its_formula_means(f in formula(), symbols in prop::array::uniform3(0i64..9)) {
        let (Some(dim), Some(value)) = (f.dim(), f.value(&symbols)) else {
            return Ok(());
        };
        let bound = dim.substitute(&|s| {
            let i = NAMES.iter().position(|n| *n == s.name())?;
            Some(c(symbols[i]))
        });
        prop_assert_eq!(bound.ok().and_then(|d| d.as_constant()), Some(value), "{}", dim);
    }

    #[test]
    fn what_is_printed_reads_back(f in formula()) {
        if let Some(dim) = f.dim() {
            let read = read(&dim.to_string());
            prop_assert_eq!(read, Some(dim));
        }
    }

    #[test]
    fn a_product_divides_exactly(f in formula(), g in formula()) {
        let (Some(a), Some(b)) = (f.dim(), g.dim()) else {
            return Ok(());
        };
        if b == Dim::default() {
            return Ok(());
        }
        if let Some(product) = a.checked_mul(&b) {
            prop_assert_eq!(product.exact_div(&b), Some(a));
        }
    }
}

#[test]
fn what_is_linear_is_solved() {
    let (n, b) = (Dim::symbol("N"), Dim::symbol("B"));
    let symbol = Symbol::new("N");
    let two = Dim::constant(2);
    // 2 N B - 6 B = 0
    let product = n.checked_mul(&b).and_then(|d| d.checked_mul(&two));
    let taken = b.checked_mul(&Dim::constant(6)).expect("small");
    let zero = product.and_then(|d| d.checked_sub(&taken)).expect("small");
    assert_eq!(zero.solve(&symbol), Some(Dim::constant(3)));
    assert_eq!(zero.line(&Symbol::new("K")), None);
    // 2 N = 5 has no whole solution, N N none that is linear, N / 2 many.
    let five = n
        .checked_mul(&two)
        .and_then(|d| d.checked_sub(&Dim::constant(5)));
    assert_eq!(five.expect("small").solve(&symbol), None);
    assert_eq!(n.checked_mul(&n).expect("small").line(&symbol), None);
    assert_eq!(n.floor_div(&two).expect("small").line(&symbol), None);
    let both = n.floor_div(&two).and_then(|d| d.checked_add(&n));
    assert_eq!(both.expect("small").line(&symbol), None);
}
