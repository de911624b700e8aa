//! Whatever tokens come: Rust or errors, never a panic, and an end.

use super::corpus::PROGRAMS;
use super::editor;
use super::generate;
use super::rustc::{Expanded, expand, items_of};
use super::tokens::{changed, changed_texts, noise};
use crate::expand::finish;
use proc_macro2::{Delimiter, Group, TokenStream};
use sinew_fuzz::{Random, Target};
use std::cell::RefCell;
use std::fmt;
use syn::parse::Parser;

/// Items with the arguments of their attributes.
#[derive(Clone)]
struct Program(Vec<(TokenStream, TokenStream)>);

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (arguments, item) in &self.0 {
            writeln!(f, "#[model({arguments})]\n{item}")?;
        }
        Ok(())
    }
}

/// The programs of the corpus as tokens.
struct Corpus {
    programs: Vec<Program>,
    /// All their items.
    items: Vec<TokenStream>,
    /// Inputs of the ends of their chains.
    ends: Vec<TokenStream>,
    cases: usize,
}

/// Sources are kept for spans as long as the spans are: after so many cases they all go.
const CASES: usize = 1000;

thread_local! {
    static CORPUS: RefCell<Option<Corpus>> = const { RefCell::new(None) };
}

/// Lends the corpus to a case, read anew now and then.
fn with_corpus<T>(case: impl FnOnce(&Corpus) -> T) -> T {
    CORPUS.with_borrow_mut(|corpus| {
        if corpus.as_ref().is_some_and(|c| c.cases == CASES) {
            *corpus = None;
            proc_macro2::extra::invalidate_current_thread_spans();
        }
        let corpus = corpus.get_or_insert_with(|| {
            let programs: Vec<Program> = PROGRAMS.iter().map(|p| Program(items_of(p))).collect();
            let all = programs
                .iter()
                .flat_map(|p| p.0.iter().map(|(_, item)| item.clone()));
            Corpus {
                items: all.collect(),
                ends: programs.iter().flat_map(|p| expand(&p.0).ends).collect(),
                programs,
                cases: 0,
            }
        });
        corpus.cases += 1;
        case(corpus)
    })
}

/// A program of the corpus or a new one, with some tokens changed.
fn program(seed: u64) -> Program {
    let mut random = Random::new(seed);
    with_corpus(|corpus| {
        let mut program = match random.below(3) {
            0 => Program(items_of(&generate::program(&mut random))),
            _ => random.pick(&corpus.programs),
        };
        // As it is, too: then it is Rust, and mistakes are found further down the road.
        for _ in 0..random.below(4) {
            let at = random.below(program.0.len());
            let (arguments, item) = &mut program.0[at];
            let what = if random.one_in(8) { arguments } else { item };
            *what = changed(what.clone(), &corpus.items, &mut random);
        }
        program
    })
}

/// What must hold of every expansion.
fn explained(out: &Expanded) {
    assert!(
        out.errors.iter().all(|e| !e.is_empty()),
        "an error without a text"
    );
    let unexplained = out.errors.iter().any(|e| e.contains("no reason was found"));
    assert!(!unexplained, "an error without its reason");
    for text in out.ir.values() {
        let function = sinew_ir::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(sinew_ir::verify(&function), Ok(()), "{text}");
    }
}

#[test]
fn any_program_is_expanded_or_refused() {
    Target::new("macro", 500).run(program, |program| {
        explained(&expand(&program.0));
        for (arguments, item) in &program.0 {
            editor::given(arguments.clone(), item.clone());
        }
    });
}

#[test]
fn any_tokens_are_refused() {
    let make = |seed: u64| noise(&mut Random::new(seed));
    Target::new("macro-noise", 300).run(make, |tokens| {
        // As an item, as arguments, as a body, and as the end of a chain.
        let body = Group::new(Delimiter::Brace, tokens.clone());
        let function = quote::quote!(fn f<B>(x: Tensor<B>) -> Tensor #body);
        explained(&expand(&[(TokenStream::new(), tokens.clone())]));
        explained(&expand(&[(
            tokens.clone(),
            quote::quote!(
                struct A {
                    b: Param<2>,
                }
            ),
        )]));
        explained(&expand(&[(TokenStream::new(), function)]));
        ends(tokens);
    });
}

/// The end of a chain gives what may stand in a block, whatever it is given.
fn ends(tokens: &TokenStream) {
    let out = finish(tokens.clone());
    if let Err(e) = syn::Block::parse_within.parse2(out.clone()) {
        panic!("emitted code is no Rust: {e}\n{out}");
    }
}

/// Users can write the end of a chain by hand, with any state and any signatures.
#[test]
fn any_end_of_a_chain_is_expanded_or_refused() {
    let make = |seed: u64| {
        let mut random = Random::new(seed);
        with_corpus(|corpus| {
            let mut end = random.pick(&corpus.ends);
            for _ in 0..random.below(3) {
                end = changed(end, &corpus.items, &mut random);
            }
            match random.one_in(2) {
                true => changed_texts(end, &mut random),
                false => end,
            }
        })
    };
    Target::new("macro-end", 500).run(make, ends);
}
