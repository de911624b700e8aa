//! `Self::..` in an item of a struct: written out, since parts of an item land outside any `impl`.

use syn::visit_mut::VisitMut;

/// Puts the struct's path in place of `Self` in every path that goes on behind it.
pub fn name(item: &mut syn::ImplItem, owner: &syn::Path) {
    Names(owner).visit_impl_item_mut(item);
}

/// As [`name`], for the dims of a struct's own fields.
pub fn name_in_fields(fields: &mut syn::Fields, owner: &syn::Path) {
    Names(owner).visit_fields_mut(fields);
}

struct Names<'o>(&'o syn::Path);

impl VisitMut for Names<'_> {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        syn::visit_mut::visit_path_mut(self, path);
        let own = path.leading_colon.is_none() && path.segments.len() > 1;
        let Some(first) = path.segments.first().filter(|s| own && s.ident == "Self") else {
            return;
        };
        let span = first.ident.span();
        let mut owner = self.0.clone();
        // Errors point to `Self`, as written.
        for segment in &mut owner.segments {
            segment.ident.set_span(span);
        }
        if let Some(last) = owner.segments.last_mut() {
            last.arguments = first.arguments.clone();
        }
        owner.segments.extend(path.segments.iter().skip(1).cloned());
        *path = owner;
    }
}
