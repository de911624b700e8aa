//! Bindings: what symbols are learnt from, and the messages of arguments that do not fit.

use sinew_ir::{BindError, Binding, DType, Function, ParseError, Symbol, parse};

fn function() -> Result<Function, ParseError> {
    parse(
        "fn @loss<[S], B, N, H, D, const K>(
           %x: float[B, 64], %y: i32[B], %s: float[[S], N], %t: float[[S], N],
           %p: float[H*D], %q: float[(N + 2 - K)/2 + 1], %k: float[K]
         ) -> () where H <= 8, H*D == 32 {
           return
         }",
    )
}

fn known() -> Vec<(Symbol, usize)> {
    vec![(Symbol::new("H"), 4), (Symbol::new("K"), 3)]
}

/// The shapes of all parameters, with one of them changed.
fn shapes(param: usize, shape: &[usize]) -> Vec<(usize, Vec<usize>)> {
    let all: [&[usize]; 7] = [&[32, 64], &[32], &[5, 6, 7], &[5, 6, 7], &[32], &[4], &[3]];
    let extents = |i: usize| if i == param { shape } else { all[i] };
    (0..all.len()).map(|i| (i, extents(i).to_vec())).collect()
}

#[test]
fn symbols_are_learnt_from_arguments() -> Result<(), Box<dyn std::error::Error>> {
    let f = function()?;
    let binding = Binding::infer(&f, DType::F32, &known(), &shapes(0, &[32, 64]))?;
    let value = |name: &str| binding.size(&Symbol::new(name));
    assert_eq!(value("B"), Some(32));
    assert_eq!(value("N"), Some(7));
    assert_eq!(value("D"), Some(8)); // solved from H*D = 32
    assert_eq!(binding.sequence, Some(vec![5, 6]));
    let extents = binding.extents(&f.values[2].shape)?;
    assert_eq!(extents, [5, 6, 7]);
    Ok(())
}

#[test]
fn a_sequence_may_be_empty_and_an_extent_zero() -> Result<(), Box<dyn std::error::Error>> {
    let f = parse("fn @f<[S], B>(%x: float[[S], B]) -> () {\n return\n}")?;
    let binding = Binding::infer(&f, DType::F64, &[], &[(0, vec![0])])?;
    assert_eq!(binding.sequence, Some(vec![]));
    assert_eq!(binding.size(&Symbol::new("B")), Some(0));
    Ok(())
}

#[test]
fn messages_name_the_argument_and_where_a_symbol_came_from()
-> Result<(), Box<dyn std::error::Error>> {
    let f = function()?;
    let cases: [(usize, &[usize], &str); 8] = [
        (
            1,
            &[31],
            "`y` is declared (B) and has shape (31): `B` is 32 from `x`, but `y` has 31 on axis 0",
        ),
        (
            0,
            &[32, 65],
            "`x` is declared (B, 64) and has shape (32, 65): 64 is expected, but `x` has 65 on axis 1",
        ),
        (0, &[32], "`x` is declared (B, 64), 2 dims, but has 1: (32)"),
        (
            2,
            &[],
            "`s` is declared ([S], N), at least 1 dim, but has 0: ()",
        ),
        (
            3,
            &[5, 7, 7],
            "`t` is declared ([S], N) and has shape (5, 7, 7): `S` is (5, 6) from `s`, but (5, 7) in `t`",
        ),
        (
            5,
            &[5],
            "`q` is declared ((-K + N)/2 + 2) and has shape (5): `(-K + N)/2 + 2` is 4 since \
             `K` is 3 and `N` is 7 from `s`, but `q` has 5 on axis 0",
        ),
        (
            6,
            &[2],
            "`k` is declared (K) and has shape (2): `K` is 3, but `k` has 2 on axis 0",
        ),
        (
            4,
            &[40],
            "`loss` needs `D*H == 32`, but `D` is 10 from `p` and `H` is 4",
        ),
    ];
    for (param, shape, message) in cases {
        let error = Binding::infer(&f, DType::F32, &known(), &shapes(param, shape));
        assert_eq!(error.err().ok_or(message)?.to_string(), message);
    }
    Ok(())
}

#[test]
fn what_nothing_binds_is_named() -> Result<(), ParseError> {
    let f = parse("fn @f<B, C>(%x: float[B], %y: float[B + C]) -> () {\n return\n}")?;
    let error = Binding::infer(&f, DType::F32, &[], &[(0, vec![4])]);
    assert_eq!(
        error,
        Err(BindError::Unbound {
            symbol: Symbol::new("C"),
            function: "f".into()
        })
    );
    let error = Binding::infer(&f, DType::F32, &[], &[(0, vec![4]), (1, vec![3])]);
    assert_eq!(
        error.map_err(|e| e.to_string()),
        Err(
            "`y` is declared (B + C) and has shape (3): no `C` makes `B + C` 3 on axis 0, as `B` is 4 \
             from `x`"
                .to_string()
        )
    );
    assert_eq!(
        Binding::infer(&f, DType::I32, &[], &[]),
        Err(BindError::Float(DType::I32))
    );
    Ok(())
}

/// What is learnt of a function with one symbol `N`, in words, for each order of the arguments.
fn learnt(text: &str, known: &[(&str, usize)], shapes: &[&[usize]]) -> Result<String, ParseError> {
    let f = parse(text)?;
    let known: Vec<_> = known.iter().map(|(s, v)| (Symbol::new(s), *v)).collect();
    let mut params: Vec<_> = shapes.iter().map(|s| s.to_vec()).enumerate().collect();
    let mut told = Vec::new();
    for _ in 0..params.len() {
        told.push(match Binding::infer(&f, DType::F32, &known, &params) {
            Ok(b) => format!("{:?}", b.size(&Symbol::new("N"))),
            Err(e) => e.to_string(),
        });
        params.rotate_left(1);
    }
    told.dedup();
    Ok(told.join(" or "))
}

#[test]
fn a_square_waits_for_an_argument_that_tells_its_side() -> Result<(), ParseError> {
    let text = "fn @f<N>(%x: float[N*N], %y: float[2*N]) -> () {\n return\n}";
    assert_eq!(learnt(text, &[], &[&[4], &[4]])?, "Some(2)");
    let error = learnt(text, &[], &[&[9], &[4]])?;
    assert_eq!(
        error,
        "`x` is declared (N*N) and has shape (9): `N*N` is 4 since `N` is 2 from `y`, but `x` has 9 \
         on axis 0"
    );
    Ok(())
}

#[test]
fn a_rounded_quotient_is_not_guessed() -> Result<(), ParseError> {
    // Both 1 and 2 fit.
    let alone = "fn @f<N>(%x: float[(N + 1)/2]) -> () {\n return\n}";
    assert_eq!(
        learnt(alone, &[], &[&[1]])?,
        "`x` is declared ((N + 1)/2): `(N + 1)/2` alone does not tell what `N` is; give an argument \
         a dim that is `N` itself, or a multiple of it"
    );
    let told = "fn @f<N>(%x: float[(N + 1)/2], %y: float[3*N]) -> () {\n return\n}";
    assert_eq!(learnt(told, &[], &[&[1], &[6]])?, "Some(2)");
    Ok(())
}

#[test]
fn a_convolutions_extent_is_checked_and_not_solved() -> Result<(), ParseError> {
    let text =
        "fn @f<N, const K>(%x: float[(N + 2 - K)/2 + 1], %y: float[N + K]) -> () {\n return\n}";
    assert_eq!(learnt(text, &[("K", 3)], &[&[4], &[10]])?, "Some(7)");
    assert_eq!(learnt(text, &[("K", 3)], &[&[4], &[11]])?, "Some(8)");
    let error = learnt(text, &[("K", 3)], &[&[4], &[13]])?;
    assert!(
        error.contains("is 5 since `K` is 3 and `N` is 10"),
        "{error}"
    );
    Ok(())
}
