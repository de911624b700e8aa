//! The language's operations in symbols: what is built for all sizes is what is built for each.

use sinew_ir::compose::{self, Arranging, Labels, Pattern, Reach, Reduce};
use sinew_ir::{
    Array, Axis, Binding, Block, Builder, DType, Dim, Function, Inst, OpError, Param, ParamKind,
    Shape, Symbol, Type, Value, derive_pullback, interpret, link_pullback, ops, verify,
};
use sinew_testing::{difference, unit};
use std::collections::BTreeMap;

type Outcome = Result<(), Box<dyn std::error::Error>>;
type Build = fn(&mut Builder, &[Value]) -> Result<Value, OpError>;

/// `[S], B, 3` as a shape: symbols are letters.
fn shape(text: &str) -> Shape {
    let mut out = Shape::scalar();
    for part in text.split(", ").filter(|p| !p.is_empty()) {
        match part.parse::<i64>() {
            Ok(n) => out.dims.push(Dim::constant(n)),
            Err(_) if part.starts_with('[') => {
                out.sequence = Some(Symbol::new(part.trim_matches(['[', ']'])));
            }
            Err(_) => out.dims.push(Dim::symbol(part)),
        }
    }
    out
}

/// `i32 B` or `[S], B` (a working float).
fn parse_type(text: &str) -> Type {
    match text.strip_prefix("i32 ") {
        Some(rest) => Type::new(DType::I32, shape(rest)),
        None => Type::new(DType::Float, shape(text)),
    }
}

fn function(types: &[Type], build: Build) -> Result<Function, Box<dyn std::error::Error>> {
    let mut b = Builder::default();
    let operands: Vec<Value> = types.iter().map(|t| b.value(t.clone())).collect();
    let result = build(&mut b, &operands)?;
    let mut f = Function {
        name: "f".to_string(),
        params: (0..types.len())
            .map(|i| Param {
                name: format!("x{i}"),
                kind: ParamKind::Input,
            })
            .collect(),
        values: b.values,
        body: Block::body(types.len(), b.insts, vec![result]),
        ..Function::default()
    };
    for t in types {
        let sizes = t.shape.dims.iter().flat_map(Dim::symbols);
        let sizes = sizes.map(|s| (s, sinew_ir::SymbolKind::SIZE));
        let sequence = t.shape.sequence.iter();
        let sequence = sequence.map(|s| (s.clone(), sinew_ir::SymbolKind::Sequence));
        for (symbol, kind) in sizes.chain(sequence) {
            let decl = sinew_ir::SymbolDecl { symbol, kind };
            if !f.symbols.contains(&decl) {
                f.symbols.push(decl);
            }
        }
    }
    derive_pullback(&mut f, &|_| None)?;
    verify(&f)?;
    Ok(f)
}

fn run(
    f: &Function,
    binding: &Binding,
    inputs: &[Array],
) -> Result<Vec<Array>, Box<dyn std::error::Error>> {
    let linked = link_pullback(unit(f), binding, &|_| true)?;
    let mut all = inputs.to_vec();
    for v in (inputs.len()..linked.program.params.len()).map(|i| &linked.program.values[i]) {
        let extents = v.shape.extents().ok_or("known extents")?;
        let n: usize = extents.iter().product();
        let data = (0..n).map(|i| (i as f64 * 0.7).sin()).collect();
        all.push(Array::new(v.dtype, &extents, data).ok_or("as many elements")?);
    }
    Ok(interpret(&linked.program, &all)?)
}

/// Compares the function in symbols, bound to `B = 3`, `T = 4` and a sequence, with the one built for
/// those extents: results and gradients.
fn the_same_for(types: &[&str], build: Build, sequences: &[&[usize]]) -> Outcome {
    let types: Vec<Type> = types.iter().map(|t| parse_type(t)).collect();
    let f = function(&types, build)?;
    for sequence in sequences {
        let sizes = BTreeMap::from([(Symbol::new("B"), 3), (Symbol::new("T"), 4)]);
        let bound: Vec<Type> = types
            .iter()
            .map(|t| {
                let mut extents = match t.shape.sequence {
                    Some(_) => sequence.to_vec(),
                    None => Vec::new(),
                };
                let value = |d: &Dim| d.evaluate(&|s| sizes.get(s).copied());
                for d in &t.shape.dims {
                    extents.push(value(d)?);
                }
                Ok(Type::from_extents(t.dtype, &extents))
            })
            .collect::<Result<_, sinew_ir::DimError>>()?;
        let inputs: Vec<Array> = bound
            .iter()
            .enumerate()
            .map(|(k, t)| {
                let extents = t.shape.extents().expect("bound");
                let n: usize = extents.iter().product();
                let at = |i: usize| match t.dtype {
                    DType::I32 => ((i * 7 + k) % 3) as f64,
                    _ => ((i + 1) as f64 * 1.3 + k as f64).sin(),
                };
                let dtype = if t.dtype == DType::Float {
                    DType::F64
                } else {
                    t.dtype
                };
                Array::new(dtype, &extents, (0..n).map(at).collect()).expect("as many elements")
            })
            .collect();
        let has_sequence = types.iter().any(|t| t.shape.sequence.is_some());
        let binding = |bind: bool| Binding {
            float: DType::F64,
            values: match bind {
                true => sizes
                    .iter()
                    .map(|(s, n)| (s.clone(), (*n).into()))
                    .collect(),
                false => BTreeMap::new(),
            },
            sequence: (bind && has_sequence).then(|| sequence.to_vec()),
            training: false,
        };
        let found = run(&f, &binding(true), &inputs)?;
        let expected = run(&function(&bound, build)?, &binding(false), &inputs)?;
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(&expected) {
            assert_eq!(
                difference(f, e, 1e-9, 1e-14),
                None,
                "{types:?} at {sequence:?}"
            );
        }
    }
    Ok(())
}

const ANY: &[&[usize]] = &[&[], &[1], &[5], &[2, 3], &[0, 2]];
const NO: &[&[usize]] = &[&[]];

#[test]
fn elementwise_operands_broadcast_against_a_sequence() -> Outcome {
    let add: Build = |b, x| compose::binary(b, ops::ADD, x[0], x[1]);
    the_same_for(&["[S], B, T", "T"], add, ANY)?;
    the_same_for(&["B, T", "[S], 1, T"], add, ANY)?;
    the_same_for(&["[S], B", "[S], B"], add, ANY)?;
    the_same_for(&["", "[S]"], add, ANY)?;
    the_same_for(&["B, 1, T", "1, 5, 1"], add, NO)
}

#[test]
fn matrix_products_take_any_leading_dims() -> Outcome {
    let matmul: Build = |b, x| compose::matmul(b, x[0], x[1]);
    the_same_for(&["[S], B", "B, T"], matmul, ANY)?;
    the_same_for(&["[S], B", "B"], matmul, ANY)?;
    the_same_for(&["[S], T, B", "B, 2"], matmul, ANY)?;
    the_same_for(&["[S], T, B", "[S], B, 2"], matmul, ANY)?;
    the_same_for(&["T, B", "[S], B, 2"], matmul, ANY)?;
    the_same_for(&["[S], 2, T, B", "2, B, 5"], matmul, ANY)?;
    the_same_for(&["2, T, B", "[S], 2, B, 5"], matmul, ANY)?;
    the_same_for(&["[S], 1, T, B", "2, B, 5"], matmul, ANY)?;
    the_same_for(&["B", "T, B, 2"], matmul, NO)
}

#[test]
fn einsum_takes_leading_dims_by_an_ellipsis() -> Outcome {
    the_same_for(
        &["[S], B, T", "[S], T, 2"],
        |b, x| compose::einsum(b, "...ij,...jk->...ik", x),
        ANY,
    )?;
    the_same_for(
        &["[S], B", "[S], B"],
        |b, x| compose::einsum(b, "...i,...i->...", x),
        ANY,
    )?;
    the_same_for(
        &["[S], B, T", "T, B"],
        |b, x| compose::einsum(b, "...ij,ji->...i", x),
        ANY,
    )?;
    the_same_for(
        &["B, T, 2", "T, 2, 3", "3"],
        |b, x| compose::einsum(b, "bth,thd,d->hb", x),
        NO,
    )
}

#[test]
fn diagonals_and_patterns_have_symbols_for_extents() -> Outcome {
    the_same_for(
        &["B, T, B", "T, 2", "2, B, B"],
        |b, x| compose::einsum(b, "imi,mk,kij", x),
        NO,
    )?;
    the_same_for(
        &["[S], B, T, B"],
        |b, x| compose::einsum(b, "...iji->...j", x),
        ANY,
    )?;
    the_same_for(
        &["[S], B, T"],
        |b, x| arranged(b, x[0], "... b t -> ... (t 2 b)", Arranging::Repeat),
        ANY,
    )?;
    the_same_for(
        &["[S], B, T"],
        |b, x| arranged(b, x[0], "... b t -> ... b", Arranging::Reduce(ops::MEAN)),
        ANY,
    )?;
    the_same_for(
        &["[S], B, 6, T"],
        |b, x| {
            arranged(
                b,
                x[0],
                "... b (p 3) t -> ... (t p) b",
                Arranging::Reduce(ops::MAX),
            )
        },
        ANY,
    )
}

fn arranged(b: &mut Builder, x: Value, text: &str, how: Arranging) -> Result<Value, OpError> {
    let pattern = Pattern::parse(text).expect("a pattern");
    compose::arrange(b, x, &pattern, how, &[])
}

#[test]
fn updates_and_padding_have_symbols_for_bounds() -> Outcome {
    let point: Build = |b, x| {
        let last = Reach::Point(last_index(b, x[0]));
        let reach = of_row(b, x[0], last);
        compose::set(b, x[0], &reach, x[1])
    };
    the_same_for(&["[S], B, T", "T"], point, ANY)?;
    let steps: Build = |b, x| {
        let stop = b.type_of(x[0]).shape.dims[1].clone();
        let range = Reach::Range {
            start: Dim::constant(1),
            stop,
            step: Dim::constant(2),
        };
        compose::add_to(b, x[0], &[Reach::Whole, range], x[1])
    };
    the_same_for(&["B, T", "B, 1"], steps, NO)?;
    let computed: Build = |b, x| {
        let reach = of_row(b, x[0], Reach::Index(x[2]));
        compose::set(b, x[0], &reach, x[1])
    };
    the_same_for(&["[S], B, T", "[S], T", "i32 "], computed, ANY)?;
    let padded: Build = |b, x| {
        let rows = compose::axis(&b.type_of(x[0]).shape, -2)?;
        let widths = [(rows, Dim::constant(2), last_index(b, x[0]))];
        let edge = compose::pad_edge(b, x[0], &widths)?;
        let mirrored = compose::pad_reflect(b, x[0], &widths)?;
        b.mul(edge, mirrored)
    };
    the_same_for(&["[S], B, T"], padded, ANY)
}

/// The last index of the axis before the last.
fn last_index(b: &Builder, x: Value) -> Dim {
    let dims = &b.type_of(x).shape.dims;
    let dim = &dims[dims.len() - 2];
    dim.checked_sub(&Dim::constant(1)).expect("small")
}

/// What reaches one of the axis before the last, and all of the others.
fn of_row(b: &Builder, x: Value, row: Reach) -> Vec<Reach> {
    let rank = b.type_of(x).shape.len();
    let mut reach = vec![Reach::Whole; rank];
    reach[rank - 2] = row;
    reach
}

#[test]
fn reductions_take_sequences() -> Outcome {
    let all: Build = |b, x| {
        let axes = b.type_of(x[0]).shape.axes();
        compose::reduce(b, ops::MEAN, x[0], &axes, false)
    };
    the_same_for(&["[S], B"], all, &[&[], &[1], &[2, 3]])?;
    the_same_for(
        &["[S], B, T"],
        |b, x| {
            let last = compose::axes(&b.type_of(x[0]).shape, &[-1, -2])?;
            compose::reduce(b, ops::MAX, x[0], &last, true)
        },
        ANY,
    )?;
    the_same_for(
        &["[S], B"],
        |b, x| {
            let last = compose::axis(&b.type_of(x[0]).shape, -1)?;
            compose::var(b, x[0], &[last], &1.0.into(), true)
        },
        ANY,
    )?;
    the_same_for(
        &["[S], B"],
        |b, x| {
            let last = compose::axis(&b.type_of(x[0]).shape, -1)?;
            compose::along(b, ops::LOG_SOFTMAX, x[0], last)
        },
        ANY,
    )
}

#[test]
fn labels_and_tokens_take_sequences() -> Outcome {
    the_same_for(
        &["[S], 5", "i32 [S]"],
        |b, x| {
            let last = compose::axis(&b.type_of(x[0]).shape, -1)?;
            let labels = Labels {
                of_rows: x[1],
                axis: last,
                ignore_index: -100,
                weight: None,
                reduce: Reduce::Mean,
            };
            compose::cross_entropy(b, x[0], &labels, &0.1.into())
        },
        &[&[], &[1], &[5], &[2, 3]],
    )?;
    the_same_for(
        &["5, B", "i32 [S]"],
        |b, x| compose::take(b, x[0], x[1], Axis::At(0)),
        ANY,
    )?;
    the_same_for(
        &["[S], 5, B", "i32 T, 2"],
        |b, x| {
            let axis = compose::axis(&b.type_of(x[0]).shape, -2)?;
            compose::take(b, x[0], x[1], axis)
        },
        ANY,
    )?;
    the_same_for(
        &["[S], B, 5", "i32 T", "[S], B, T"],
        |b, x| {
            let last = compose::axis(&b.type_of(x[0]).shape, -1)?;
            compose::set_at(b, x[0], last, x[1], x[2])
        },
        ANY,
    )?;
    the_same_for(
        &["[S], 5", "i32 [S], 2"],
        |b, x| {
            let last = compose::axis(&b.type_of(x[0]).shape, -1)?;
            compose::take_along_axis(b, x[0], x[1], last)
        },
        ANY,
    )
}

#[test]
fn parts_have_symbols_for_bounds() -> Outcome {
    the_same_for(
        &["B, T"],
        |b, x| {
            let last = compose::axis(&b.type_of(x[0]).shape, -1)?;
            let half = b.type_of(x[0]).shape.dims[1].floor_div(&Dim::constant(2));
            let half = half.ok_or(OpError::Overflow)?;
            let (start, step) = (Dim::constant(0), Dim::constant(1));
            compose::slice(b, x[0], last, start, half, step)
        },
        NO,
    )?;
    the_same_for(
        &["T, B"],
        |b, x| {
            let stop = b.type_of(x[0]).shape.dims[0].clone();
            compose::slice(
                b,
                x[0],
                Axis::At(0),
                Dim::constant(1),
                stop,
                Dim::constant(2),
            )
        },
        NO,
    )?;
    the_same_for(
        &["B, T", "B, 2"],
        |b, x| compose::concat(b, x, Axis::At(1)),
        NO,
    )?;
    the_same_for(
        &["[S], B, T"],
        |b, x| compose::swapaxes(b, x[0], -1, -2),
        ANY,
    )?;
    the_same_for(&["B, T"], |b, x| compose::flip(b, x[0], Axis::At(1)), NO)?;
    the_same_for(&["[S], T, T"], |b, x| compose::tril(b, x[0], -1), ANY)
}

fn refusal(types: &[&str], build: Build) -> String {
    let mut b = Builder::default();
    let operands: Vec<Value> = types.iter().map(|t| b.value(parse_type(t))).collect();
    let error = build(&mut b, &operands).expect_err("it must be refused");
    error.to_string()
}

#[test]
fn refusals_name_both_shapes() {
    let add: Build = |b, x| compose::binary(b, ops::ADD, x[0], x[1]);
    let matmul: Build = |b, x| compose::matmul(b, x[0], x[1]);
    let cases: [(&[&str], Build, &str); 14] = [
        (&["B, 3", "B, 4"], add, "shapes differ: (B, 3) and (B, 4)"),
        (&["B", "T"], add, "shapes differ: (B) and (T)"),
        (
            &["[S], 3", "B, 3"],
            add,
            "shapes differ: ([S], 3) and (B, 3)",
        ),
        (&["[S], 3", "[S]"], add, "shapes differ: ([S], 3) and ([S])"),
        (&["i32 B", "B"], add, "element types differ: i32 and float"),
        (&["B, 3", "T, 4"], matmul, "inner dims differ: `3` and `T`"),
        (&["", "3"], matmul, "there is no axis -1 in ()"),
        (
            &["2, B, 3", "5, 3, 4"],
            matmul,
            "shapes differ: (2) and (5)",
        ),
        (
            &["B, T"],
            |b, x| compose::reshape(b, x[0], &[None, Some(Dim::constant(3))]),
            "(B, T) has another number of elements than (3)",
        ),
        (
            &["B, T"],
            |b, x| compose::einsum(b, "ij->k", x),
            "`k` is in the result and in no operand",
        ),
        (
            &["B, T"],
            |b, x| compose::einsum(b, "ijk->k", x),
            "`ijk` names 3 axes, and operand 0 is (B, T)",
        ),
        (
            &["B, T"],
            |b, x| compose::einsum(b, "ii", x),
            "`i` is B in operand 0 and T in operand 0",
        ),
        (
            &["[S], T"],
            |b, x| {
                let first = compose::axis(&b.type_of(x[0]).shape, 0)?;
                compose::reduce(b, ops::SUM, x[0], &[first], false)
            },
            "the sequence in ([S], T) must stay in front",
        ),
        (
            &["7"],
            |b, x| {
                let (start, stop) = (Dim::constant(5), Dim::constant(8));
                compose::slice(b, x[0], Axis::At(0), start, stop, Dim::constant(1))
            },
            "the range 5..8 step 1 does not fit an axis of 7",
        ),
    ];
    for (types, build, expected) in cases {
        assert_eq!(refusal(types, build), expected);
    }
}

/// The tree of an einsum whose letters have these extents: `(0 (1 2))`.
fn order(spec: &str, extents: &[(char, Dim)]) -> String {
    let mut b = Builder::default();
    let (terms, _) = spec.split_once("->").expect("a result");
    let dim = |letter: char| {
        let known = extents.iter().find(|(c, _)| *c == letter);
        known.map_or(Dim::symbol("S"), |(_, d)| d.clone())
    };
    let shape = |term: &str| Shape {
        dims: term.chars().map(dim).collect(),
        ..Shape::scalar()
    };
    let types = terms
        .split(',')
        .map(|term| Type::new(DType::Float, shape(term)));
    let operands: Vec<Value> = types.map(|ty| b.value(ty)).collect();
    let result = compose::einsum(&mut b, spec, &operands).expect("an einsum");
    let mut names: BTreeMap<usize, String> = BTreeMap::new();
    for (i, operand) in operands.iter().enumerate() {
        names.insert(operand.index(), i.to_string());
    }
    for inst in b.insts.iter().filter_map(Inst::op) {
        let of: Vec<&str> = inst
            .operands
            .iter()
            .map(|v| names[&v.index()].as_str())
            .collect();
        let name = match of[..] {
            [x, y] => format!("({x} {y})"),
            _ => of.concat(),
        };
        names.insert(inst.result.index(), name);
    }
    names[&result.index()].clone()
}

fn numbers(extents: &[(char, i64)]) -> Vec<(char, Dim)> {
    let dim = |(c, n): &(char, i64)| (*c, Dim::constant(*n));
    extents.iter().map(dim).collect()
}

#[test]
fn a_chain_is_put_together_where_it_is_thin() {
    // 100 * 2 * 100 + 100 * 100 * 2 from the left, 2 * 100 * 2 + 100 * 2 * 2 from the right.
    let thin = numbers(&[('a', 100), ('b', 2), ('c', 100), ('d', 2)]);
    assert_eq!(order("ab,bc,cd->ad", &thin), "(0 (1 2))");
    let thick = numbers(&[('a', 2), ('b', 100), ('c', 2), ('d', 100)]);
    assert_eq!(order("ab,bc,cd->ad", &thick), "((0 1) 2)");
    assert_eq!(order("ab,cd,bc->ad", &thick), "((0 2) 1)");
}

#[test]
fn what_is_equally_good_goes_from_left_to_right() {
    let all = numbers(&[('a', 3), ('b', 3), ('c', 3), ('d', 3)]);
    assert_eq!(order("ab,bc,cd->ad", &all), "((0 1) 2)");
    assert_eq!(order("a,a,a,a->a", &all), "(((0 1) 2) 3)");
}

#[test]
fn powers_of_symbols_decide_before_numbers() {
    // t * s * d is of a higher power than t * d * e, however large d and e are.
    let mut extents = numbers(&[('d', 512), ('e', 4096)]);
    extents.extend([('t', Dim::symbol("T")), ('s', Dim::symbol("T"))]);
    assert_eq!(order("td,sd,se->te", &extents), "(0 (1 2))");
    // Of one power the numbers decide.
    let quarter = Dim::symbol("N")
        .floor_div(&Dim::constant(4))
        .expect("small");
    let sizes = [('n', Dim::symbol("N")), ('q', quarter)];
    assert_eq!(order("n,nq,nq->n", &sizes), "(0 (1 2))");
}

#[test]
fn the_search_finds_what_all_trees_have() {
    // A ring of eight: any tree is found, all operands once.
    let ring = "ab,bc,cd,de,ef,fg,gh,ha->";
    let found = order(ring, &numbers(&[('a', 2), ('e', 9)]));
    for i in 0..8 {
        assert_eq!(found.matches(&i.to_string()).count(), 1, "{found}");
    }
}
