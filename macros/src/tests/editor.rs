//! What editors are given of bodies.

use crate::depth;
use crate::emit::editor::beside;
use crate::errors::Errors;
use crate::parse;
use proc_macro2::TokenStream;
use quote::quote;

/// What stands beside an item, which is Rust; nothing of one that is not read.
pub fn given(arguments: TokenStream, item: TokenStream) -> Option<String> {
    if depth::too_deep(&item)
        .or(depth::too_deep(&arguments))
        .is_some()
    {
        return None;
    }
    let errors = Errors::default();
    let options = parse::options::read(arguments, &errors).ok()?;
    let item = parse::item(item, options, &errors).ok()?;
    let out = beside(&item, &quote!(sinew));
    if let Err(e) = syn::parse2::<syn::File>(out.clone()) {
        panic!("what editors are given is no Rust: {e}\n{out}");
    }
    Some(out.to_string())
}

/// The statements that a body becomes.
fn body(item: TokenStream) -> String {
    let all = given(TokenStream::new(), item).expect("it is read");
    let (_, body) = all.split_once("let _ = {").expect("a body");
    let body = body.rsplit_once("} ; } } ;").expect("its end").0;
    body.replace("sinew :: editor :: ", "").trim().to_string()
}

#[test]
fn variables_fields_and_operations_stay_as_they_are_written() {
    let of = |body: TokenStream| {
        self::body(quote!(
            fn f<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 4> #body
        ))
    };
    assert_eq!(of(quote!({ x.relu() })), "tensor (& x) . relu ()");
    assert_eq!(
        of(quote!({
            let y = m.first.forward(x);
            y + m.b
        })),
        "let y = given (m . first . forward (x)) ; y + value (& m . b)"
    );
    assert_eq!(
        of(quote!({ x.mean(-1, keepdims = true) * 0.5 })),
        "tensor (& x) . mean ((- 1 , true ,)) * value (& 0.5)"
    );
    assert_eq!(
        of(quote!({
            let (v, i) = topk(x, 2);
            let all = i.cast(float);
            v[(.., None)]
        })),
        "let (v , i) = { let _ = operation (topk , (x , 2 ,)) ; let all : (Tensor , Tensor ,) \
         = loop { } ; all } ; let all = tensor (& i) . cast ((() ,)) ; part (& v , (.. , ()))"
    );
    assert_eq!(
        of(quote!({
            let mut s = x;
            for t in (0..4).rev() {
                s += x[t];
            }
            s
        })),
        "let mut s = x ; for t in :: core :: iter :: IntoIterator :: into_iter ((0 .. 4)) . rev () { s = s + \
         part (& x , t) ; } s"
    );
    assert_eq!(
        of(quote!({ if B > 2 { x } else { other::<B>(m, x) } })),
        "if holds (& truth (& (B , 2))) { x } else { given (other (m , x)) }"
    );
}

#[test]
fn symbols_are_sizes() {
    let text = given(
        TokenStream::new(),
        quote!(
            impl<I> Layer<I> {
                fn forward<B>(&self, x: Tensor<B, I>) -> Tensor<B> {
                    x.sum(-1)
                }
            }
        ),
    );
    let text = text.expect("it is read");
    let start = "fn __sinew_editor_forward < const I : :: core :: primitive :: usize , const B : :: core :: \
                 primitive :: usize > (& self , x : sinew :: editor :: Tensor)";
    assert!(text.contains(start), "{text}");
}
