//! What PyTorch calls the leaves of a struct.

use crate::parse::pytorch::PyTorchName;
use crate::parse::{Field, FieldKind};
use proc_macro2::TokenStream;
use quote::quote;

/// `Model::pytorch_names` of a struct of these fields.
pub fn names(fields: &[Field], library: &TokenStream) -> TokenStream {
    let names = fields.iter().map(|f| {
        let field = &f.name;
        let PyTorchName {
            before,
            after,
            first,
            transposed,
            ..
        } = &f.pytorch;
        match &f.kind {
            FieldKind::Param(..) | FieldKind::State(..) => {
                quote!(names.leaf(#before, #transposed);)
            }
            FieldKind::Child(_, None) => quote!(names.child(&self.#field, #before, #after);),
            FieldKind::Child(_, Some(_)) => {
                quote!(names.children(&self.#field, #first, #before, #after);)
            }
            FieldKind::Setting(..) => TokenStream::new(),
        }
    });
    quote! {
        fn pytorch_names(&self, names: &mut #library::__private::PyTorchNames) {
            let _ = &names;
            #(#names)*
        }
    }
}
