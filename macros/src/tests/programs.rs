//! What right programs become, and what wrong ones are told.

use super::corpus::PROGRAMS;
use super::rustc::expand_text;

#[test]
fn right_programs_have_no_errors() {
    for text in PROGRAMS {
        let out = expand_text(text);
        assert_eq!(out.errors, Vec::<String>::new(), "{text}");
        assert_eq!(out.missing, Vec::<String>::new(), "{text}");
    }
}

/// What `sinew::ops` is made of reads as Rust, an item for each operation.
#[test]
fn the_library_has_an_item_for_each_operation() {
    let items: syn::File = syn::parse2(crate::operations::items()).expect("items");
    let functions = items.items.iter().filter_map(|i| match i {
        syn::Item::Fn(f) => Some(f.sig.ident.to_string()),
        _ => None,
    });
    assert_eq!(functions.collect::<Vec<_>>(), crate::operations::names());
}

/// The program of a body over tensors with Rust consts.
fn with_consts(body: &str) -> String {
    format!(
        "#[model] fn f<B>(x: Tensor<B, WIDTH>, y: Tensor<B, OTHER>, z: Tensor<B, 64>) -> Tensor {{ {body} }}"
    )
}

#[test]
fn as_many_consts_are_equal_as_a_body_calls() {
    let count = 300;
    let mut text = String::new();
    for i in 0..count {
        text += &format!(
            "#[model] fn layer{i}<B>(x: Tensor<B, WIDTH>) -> Tensor<B, WIDTH> {{ x + 1 }}"
        );
    }
    let calls: String = (0..count)
        .map(|i| format!("let x = layer{i}(x);"))
        .collect();
    text += &format!("#[model] fn all<B>(x: Tensor<B, WIDTH>) -> Tensor<B, WIDTH> {{ {calls} x }}");
    let out = expand_text(&text);
    assert_eq!(out.errors, Vec::<String>::new());
    let ir = &out.ir["all"];
    assert!(ir.starts_with("fn @all<B, const WIDTH>("), "{ir}");
    assert!(sinew_ir::parse(ir).is_ok());
}

#[test]
fn consts_are_equal_from_where_they_meet() {
    let bodies = [
        "(x + y).sum()",
        "(x + y + z).sum()",
        "let y = y.reshape([B, WIDTH]); (x * y).sum()",
        "matmul(x, y.t()).sum() + (x + y).sum()",
        "x.sum_to([1, OTHER]).sum() + z.sum()",
        "let s = stack([x, y]); s.sum() + (x * y).sum()",
        "y.broadcast_to([3, B, WIDTH]).sum()",
        "einsum(\"bi,bi->b\", x, y).sum()",
    ];
    for body in bodies {
        let out = expand_text(&with_consts(body));
        assert_eq!(out.errors, Vec::<String>::new(), "{body}");
        let ir = &out.ir["f"];
        let parsed = sinew_ir::parse(ir).expect("it prints");
        assert!(sinew_ir::verify(&parsed).is_ok(), "{ir}");
        assert!(ir.matches("OTHER").count() <= 2, "{ir}");
    }
}

#[test]
fn a_size_may_be_computed_first() {
    let bodies = [
        "let n = B * WIDTH; x.reshape([n]).sum()",
        "let n = WIDTH * B; let n = n + 0; x.reshape([n]).sum()",
        "let n = WIDTH - 1; x[(.., 0..n)].sum()",
        "let n = B * WIDTH; (x * n).sum() / (n + 1)",
        "let n = 2 * WIDTH; x.sum() * n",
    ];
    for body in bodies {
        let out = expand_text(&with_consts(body));
        assert_eq!(out.errors, Vec::<String>::new(), "{body}");
    }
}

/// What a function's macro passes on has the same length whatever its structs hold.
#[test]
fn a_function_tells_which_its_structs_are() {
    let length = |children: usize| {
        let fields: String = (0..children)
            .map(|i| format!("c{i}: Leaf<WIDTH>,"))
            .collect();
        let text = format!(
            "#[model] struct Leaf<N> {{ #[init(zeros)] w: Param<N> }}
             #[model] struct Net {{ {fields} }}
             #[model] fn f(m: &Net, x: Tensor<WIDTH>) -> Tensor<WIDTH> {{ x + m.c0.w }}
             #[model] fn g(m: &Net, x: Tensor<WIDTH>) -> Tensor<WIDTH> {{ f(m, f(m, x)) + m.c1.w }}"
        );
        let out = expand_text(&text);
        assert_eq!(out.errors, Vec::<String>::new());
        let mut told = out
            .told
            .iter()
            .filter(|(name, _)| name.starts_with("__sinew_f_"));
        let (_, texts) = told.next().expect("its macro");
        texts.iter().map(String::len).sum::<usize>()
    };
    // The second one's identity has a number behind it.
    assert!(length(40) <= length(2) + 8);
}
