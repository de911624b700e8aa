//! Warnings on stable Rust, where a proc macro has none: uses of what is deprecated, and dead code that
//! brings lints of rustc's own.

use crate::lints::{Lint, Warning};
use crate::messages::Message;
use crate::parse::Function;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use std::collections::HashSet;

/// The warnings that are not allowed; nothing where there are none.
pub fn warnings(warnings: &[Warning], allowed: &[Lint]) -> TokenStream {
    let mut told = HashSet::new();
    let mut out = TokenStream::new();
    for Warning { lint, message } in warnings {
        let (span, _) = message.spans();
        let place = (span.file(), span.start(), message.text().to_string());
        if allowed.contains(lint) || !told.insert(place) {
            continue;
        }
        let name = format_ident!("{}", lint.name());
        let used = Ident::new(lint.name(), span);
        let text = text(message, *lint);
        out.extend(quote! {
            const _: () = {
                #[deprecated(note = #text)]
                #[allow(non_upper_case_globals)]
                const #name: () = ();
                let _ = #used;
            };
        });
    }
    out
}

/// The attribute of an associated function whose use is warned of.
pub fn on_use(warning: &Warning) -> TokenStream {
    let text = text(&warning.message, warning.lint);
    quote!(#[deprecated(note = #text)])
}

fn text(message: &Message, lint: Lint) -> String {
    let (text, name) = (message.text(), lint.name());
    format!("{text}\n= note: `#[model(allow({name}))]` silences this")
}

/// What makes rustc say that these names are not used, under the levels that the function's own attributes
/// give its lints.
pub fn unused(names: &[Ident], f: &Function) -> TokenStream {
    if names.is_empty() {
        return TokenStream::new();
    }
    let level = |a: &&syn::Attribute| {
        ["allow", "warn", "deny", "forbid"]
            .iter()
            .any(|l| a.path().is_ident(l))
    };
    let levels = f.attributes.iter().filter(level);
    quote! {
        #[allow(dead_code)]
        #(#levels)*
        fn __sinew_unused() {
            #(let #names = [0_u8; 0];)*
        }
    }
}
