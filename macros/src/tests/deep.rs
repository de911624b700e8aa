//! Tokens that nest as deep as is read, in every place that is parsed: neither the parser nor the macro overflows the
//! stack, compiled as they are in a user's build.

use super::rustc::expand;
use crate::depth;
use proc_macro2::TokenStream;

/// What nests when it is repeated, and what closes it.
const PHRASES: &[(&str, &str)] = &[
    ("&", ""),
    ("& ", ""),
    ("&mut ", ""),
    ("&'a ", ""),
    ("* const ", ""),
    ("* mut ", ""),
    ("fn() -> ", ""),
    ("fn(u8) -> ", ""),
    ("unsafe extern fn(A, B) -> ", ""),
    ("dyn A + ", ""),
    ("impl A + ", ""),
    ("dyn Fn() -> ", ""),
    ("impl Fn(A) -> ", ""),
    ("for<'a> ", ""),
    ("for<'a> fn() -> ", ""),
    ("A::", ""),
    ("A<", ">"),
    ("A<B = ", ">"),
    ("<A as ", ">::B"),
    ("<", ">::B"),
    ("A<{ ", " }>"),
    ("[", "; 2]"),
    ("[", "]"),
    ("(", ")"),
    ("(", ",)"),
    ("{ ", " }"),
    ("- ", ""),
    ("! ", ""),
    ("* ", ""),
    ("return ", ""),
    ("break ", ""),
    ("yield ", ""),
    ("become ", ""),
    ("let x = ", ""),
    ("x = ", ""),
    ("x += ", ""),
    ("x .. ", ""),
    (".. ", ""),
    ("x + ", ""),
    ("x * ", ""),
    ("x == ", ""),
    ("x || ", ""),
    ("x as ", ""),
    ("x.y.", ""),
    ("x.y(", ")"),
    ("f(", ")"),
    ("x[", "]"),
    ("x, ", ""),
    ("|a| ", ""),
    ("move |a, b| ", ""),
    ("|| ", ""),
    ("async move ", ""),
    ("static ", ""),
    ("const ", ""),
    ("unsafe ", ""),
    ("unsafe { ", " }"),
    ("if x { ", " }"),
    ("if ", " {}"),
    ("if x {} else ", "{}"),
    ("match x { _ => ", " }"),
    ("match ", " {}"),
    ("while ", " {}"),
    ("for a in ", " {}"),
    ("loop { ", " }"),
    ("'a: ", ""),
    ("#[a] ", ""),
    ("#![a] ", ""),
    ("ref ", ""),
    ("mut ", ""),
    ("a @ ", ""),
    ("A(", ")"),
    ("A { a: ", " }"),
    ("A | ", ""),
    ("box ", ""),
    ("? ", ""),
    ("x? ", ""),
    ("x?.", ""),
    ("x.await.", ""),
    ("vec![", "]"),
    ("grad(|a| ", ", x)"),
    ("x.relu().", ""),
    ("where A: ", ""),
    ("pub ", ""),
    ("mod a { ", " }"),
    ("fn a() { ", " }"),
    ("impl A { ", " }"),
    ("macro_rules! a { ", " }"),
];

/// Where it stands: in front of it and behind it.
const PLACES: &[(&str, &str)] = &[
    ("fn f<B>(x: ", "T) -> Tensor<B> { x }"),
    ("fn f<B>(x: Tensor<{ ", "B }>) -> Tensor<B> { x }"),
    ("fn f<B>(x: Tensor<B>) -> Tensor<B> where B: ", "A { x }"),
    ("fn f<B>(x: Tensor<B>) -> Tensor<B> { ", "x }"),
    ("fn f<B>(x: Tensor<B>) -> Tensor<B> { let ", "y = x; x }"),
    ("fn f<B>(x: Tensor<B>) -> Tensor<B> { let y: ", "T = x; x }"),
    ("fn f<B>(x: Tensor<B>) -> Tensor<B> { let y = ", "x; y }"),
    ("struct A { a: ", "Param<2> }"),
    ("impl<A> B<", "A> { fn f(&self) {} }"),
    ("mod a { ", " }"),
];

fn tokens(place: (&str, &str), phrase: (&str, &str), times: usize) -> Option<TokenStream> {
    let (before, behind) = place;
    let (opens, closes) = phrase;
    let (opens, closes) = (opens.repeat(times), closes.repeat(times));
    // What is closed stands around what is last.
    let text = match behind.split_once(' ') {
        Some((inside, rest)) => format!("{before}{opens}{inside}{closes} {rest}"),
        None => format!("{before}{opens}{behind}{closes}"),
    };
    text.parse().ok()
}

/// The most that is read of it.
fn deepest(place: (&str, &str), phrase: (&str, &str)) -> Option<TokenStream> {
    let read = |times| tokens(place, phrase, times).filter(|t| depth::too_deep(t).is_none());
    let (mut least, mut most) = (0usize, 800);
    while least < most {
        let middle = (least + most).div_ceil(2);
        match read(middle) {
            Some(_) => least = middle,
            None => most = middle - 1,
        }
    }
    read(least)
}

/// Rustc has a stack of 8 MiB, of which it has used some.
const STACK: usize = 6 << 20;

#[test]
fn what_is_read_overflows_no_stack() {
    for &phrase in PHRASES {
        let run = move || {
            for &place in PLACES {
                let Some(item) = deepest(place, phrase) else {
                    continue;
                };
                // Seen where the process ends.
                println!("{phrase:?} in {place:?}");
                expand(&[(TokenStream::new(), item)]);
            }
            proc_macro2::extra::invalidate_current_thread_spans();
        };
        let thread = std::thread::Builder::new().stack_size(STACK).spawn(run);
        let done = thread.expect("a thread").join();
        assert!(done.is_ok(), "{phrase:?}");
    }
}
