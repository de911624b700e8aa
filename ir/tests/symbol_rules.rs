//! The rules of symbols, each broken by itself, and every place where a symbol may stand.

use sinew_ir::{
    Attribute, Call, CallMode, Condition, Dim, Function, Inst, Number, OpInst, Relation, Shape,
    Symbol, SymbolDecl, SymbolKind, SymbolSource, SymbolTerm, SymbolType, Target, Test, parse,
    verify,
};
use std::error::Error;

type Outcome = Result<(), Box<dyn Error>>;

/// A function whose only call is to be broken.
fn caller() -> Result<Function, Box<dyn Error>> {
    let f = parse(
        "fn @f<[S], B, scale: f64, wide: bool>(%x: float[[S], B]) -> float[[S], B] {
  %1 = const value scale dtype float shape [[S], B]
  %2 = call @g<N = B, a: f64 = scale, b: bool = wide> choice @g where wide (%1) -> float[[S], B]
  return %2
}",
    )?;
    verify(&f)?;
    Ok(f)
}

fn target(f: &mut Function) -> &mut Target {
    f.body
        .insts
        .iter_mut()
        .find_map(|inst| match inst {
            Inst::Call(c) => Some(&mut c.target),
            Inst::Op(_) | Inst::PullbackCall(_) | Inst::Loop(_) => None,
        })
        .expect("a call")
}

#[test]
fn each_rule_of_symbols_is_broken_alone() -> Outcome {
    type Break = fn(&mut Function);
    fn undeclare(f: &mut Function, name: &str) {
        f.symbols.retain(|d| d.symbol.name() != name);
    }
    fn symbol(name: &str) -> Symbol {
        Symbol::new(name)
    }
    let cases: [(Break, &str); 13] = [
        (|f| undeclare(f, "S"), "`S` is not declared as a symbol"),
        (|f| undeclare(f, "B"), "`B` is not declared as a symbol"),
        (
            |f| undeclare(f, "scale"),
            "`scale` is not declared as a symbol",
        ),
        (
            |f| undeclare(f, "wide"),
            "`wide` is not declared as a symbol",
        ),
        (
            |f| f.symbols.push(f.symbols[2].clone()),
            "`scale` is declared twice",
        ),
        (
            |f| {
                f.symbols.push(SymbolDecl {
                    symbol: symbol("nan"),
                    kind: SymbolKind::Value(SymbolType::Float, SymbolSource::Caller),
                });
            },
            "`nan` is a value, and no symbol's name",
        ),
        (
            |f| f.symbols[2].kind = SymbolKind::Value(SymbolType::Bool, SymbolSource::Caller),
            "`scale` is a bool, and is used as an f64",
        ),
        (
            |f| f.symbols[3].kind = SymbolKind::SIZE,
            "`wide` is a usize, and is used as a bool",
        ),
        (
            |f| target(f).symbols[0].1 = SymbolTerm::Size(Dim::symbol("scale")),
            "`scale` is an f64, and is used as a usize",
        ),
        (
            |f| target(f).symbols[0].1 = SymbolTerm::Size(Dim::symbol("S")),
            "`S` is a sequence, and is used as a usize",
        ),
        (
            |f| target(f).symbols[1].1 = SymbolTerm::Float(Number::Symbol(symbol("B"))),
            "`B` is a usize, and is used as an f64",
        ),
        (
            |f| {
                let again = target(f).symbols[0].clone();
                target(f).symbols.push(again);
            },
            "a call of `g` gives `N` twice",
        ),
        (
            |f| {
                let test = Test::Numbers {
                    left: 0.5.into(),
                    relation: Relation::Below,
                    right: 1.0.into(),
                };
                target(f).symbols[2].1 = SymbolTerm::Bool(Condition::from(test));
            },
            "a comparison of numbers has no symbol in it",
        ),
    ];
    for (break_it, message) in cases {
        let mut f = caller()?;
        break_it(&mut f);
        let error = verify(&f).map_err(|e| e.broken.to_string());
        assert_eq!(error, Err(message.to_string()));
    }
    Ok(())
}

/// A function with symbols in every place that has some.
fn everywhere() -> Result<Function, Box<dyn Error>> {
    let f = parse(
        "fn @f<[S], B, scale: f64>(%x: float[[S], B], %h: float[3]) -> float[[S], B] where B <= 8 {
  %2 = const value scale dtype float shape [[S], B]
  %3 = slice %h axis [0] range [0, 2, 1]
  %4 = call @g<[S] = [[S]], N = B> choice @g where B <= 4, @g where scale < scale (%2) -> float[[S], B]
  %5 = call @g<[S] = [[S]], N = B> loop B (carried %4) -> carried float[[S], B]
  return %5
}",
    )?;
    verify(&f)?;
    Ok(f)
}

fn op(f: &mut Function, at: usize) -> &mut OpInst {
    match &mut f.body.insts[at] {
        Inst::Op(op) => op,
        Inst::Call(_) | Inst::PullbackCall(_) | Inst::Loop(_) => panic!("an op"),
    }
}

fn call(f: &mut Function, at: usize) -> &mut Call {
    match &mut f.body.insts[at] {
        Inst::Call(call) => call,
        Inst::Op(_) | Inst::PullbackCall(_) | Inst::Loop(_) => panic!("a call"),
    }
}

fn test(f: &mut Function, alternative: usize) -> &mut Test {
    match &mut call(f, 2).mode {
        CallMode::Choice(all) => &mut all[alternative].when.test,
        _ => panic!("a choice"),
    }
}

/// `Q`, which nothing declares, is seen wherever it stands.
#[test]
fn every_place_of_a_symbol_is_looked_at() -> Outcome {
    type Break = fn(&mut Function);
    fn size() -> Dim {
        Dim::symbol("Q")
    }
    fn number() -> Number {
        Number::Symbol(Symbol::new("Q"))
    }
    fn sizes(f: &mut Function) -> &mut sinew_ir::Constraint {
        match test(f, 0) {
            Test::Sizes(sizes) => sizes,
            _ => panic!("sizes"),
        }
    }
    fn numbers(f: &mut Function) -> [&mut Number; 2] {
        match test(f, 1) {
            Test::Numbers { left, right, .. } => [left, right],
            _ => panic!("numbers"),
        }
    }
    let places: [Break; 13] = [
        |f| f.constraints[0].left = size(),
        |f| f.constraints[0].right = size(),
        |f| f.values[1].shape.dims[0] = size(),
        |f| op(f, 0).attributes.0[0] = Attribute::Number(number()),
        |f| op(f, 0).attributes.0[2] = Attribute::Shape(Shape::new(vec![size()])),
        |f| op(f, 1).attributes.0[1] = Attribute::Dims(vec![0.into(), size(), 1.into()]),
        |f| call(f, 2).target.symbols[0].1 = SymbolTerm::Size(size()),
        |f| call(f, 2).target.sequence = Some((Symbol::new("S"), Shape::new(vec![size()]))),
        |f| sizes(f).left = size(),
        |f| sizes(f).right = size(),
        |f| *numbers(f)[0] = number(),
        |f| *numbers(f)[1] = number(),
        |f| {
            if let CallMode::Loop(l) = &mut call(f, 3).mode {
                l.trip = size();
            }
        },
    ];
    for (i, put) in places.into_iter().enumerate() {
        let mut f = everywhere()?;
        put(&mut f);
        let error = verify(&f).map_err(|e| e.broken.to_string());
        let message = "`Q` is not declared as a symbol".to_string();
        assert_eq!(error, Err(message), "place {i}:\n{f}");
    }
    Ok(())
}
