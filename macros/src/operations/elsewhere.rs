//! The names that other libraries give to what is written here in another way.

/// A name of PyTorch or NumPy, and how its meaning is written here.
///
/// A name may be that of an operation too, where the other libraries' takes other arguments.
const ELSEWHERE: &[(&str, &str)] = &[
    ("H", "`x.t()`: there are no complex numbers"),
    ("T", "`x.t()`"),
    ("absolute", "`x.abs()`"),
    ("add", "`x + y`"),
    ("amax", "`x.max(-1)`"),
    ("amin", "`x.min(-1)`"),
    (
        "apply",
        "the arithmetic alone, which is of all elements: `x * 2.0`",
    ),
    ("astype", "`x.cast(float)`"),
    ("bce", "`binary_cross_entropy(x, y)`"),
    ("bce_loss", "`binary_cross_entropy(x, y)`"),
    ("bmm", "`matmul(x, y)`"),
    ("bitwise_and", "`x & y`"),
    ("bitwise_or", "`x | y`"),
    ("bitwise_xor", "`x ^ y`"),
    ("bool", "`x.cast(bool)`"),
    ("clamp_max", "`minimum(x, 1.0)`"),
    ("clamp_min", "`maximum(x, 0.0)`"),
    ("clip", "`x.clamp(0.0, 1.0)`"),
    (
        "clone",
        "`x` alone: values never change, so there is nothing to copy",
    ),
    ("concatenate", "`concat([x, y], 0)`"),
    (
        "contiguous",
        "`x` alone: how it lies in memory is the compiler's affair",
    ),
    ("cpu", "`x` alone: a trainer or runner chooses the device"),
    ("cuda", "`x` alone: a trainer or runner chooses the device"),
    ("detach", "`x.stop_gradient()`"),
    ("diagonal", "`einsum(\"ii->i\", x)`"),
    (
        "dim",
        "the number of dims in the type: it is known where this is written",
    ),
    ("div", "`x / y`"),
    (
        "dot",
        "`(x * y).sum()` of vectors, `matmul(x, y)` of matrices",
    ),
    ("double", "`x.cast(f64)`"),
    ("embedding", "`table.take(ids, axis = 0)`"),
    ("eq", "`x == y`"),
    ("float", "`x.cast(float)`"),
    ("gather", "`x.take_along_axis(i, axis = 0)`"),
    ("fmod", "`x % y`, which is floored"),
    ("ge", "`x >= y`"),
    ("gt", "`x > y`"),
    ("hypot", "`(x.square() + y.square()).sqrt()`"),
    ("index_select", "`x.take(i, axis = 0)`"),
    ("index_fill", "`x.set(i, 0.0)`"),
    ("index_put", "`x.set(i, y)`"),
    ("int", "`x.cast(i32)`"),
    ("flatten", "`x.reshape([N, -1])` where the first axis stays"),
    ("inv", "`x.inverse()`"),
    (
        "item",
        "`x` alone: the number is what the call outside gives",
    ),
    ("l1", "`l1_loss(x, y)`"),
    (
        "layer_norm",
        "`(x - x.mean(-1, keepdims = true)) / (x.var(-1, keepdims = true) + 1e-5).sqrt()`",
    ),
    ("le", "`x <= y`"),
    (
        "len",
        "the symbol of the dim: with `x: Tensor<N>` it is `N`",
    ),
    ("linear", "`matmul(x, w) + b`"),
    ("ln", "`x.log()`"),
    ("logical_and", "`x && y`"),
    ("logical_not", "`!x`"),
    ("logical_or", "`x || y`"),
    ("kl_divergence", "`kl_div(x, y)`, of log probabilities x"),
    ("long", "`x.cast(i32)`"),
    ("lt", "`x < y`"),
    ("mT", "`x.t()`"),
    (
        "map",
        "the arithmetic alone, which is of all elements: `x * 2.0`",
    ),
    ("masked_fill", "`where_(mask, 0.0, x)`"),
    ("mean_absolute_error", "`l1_loss(x, y)`"),
    ("mean_squared_error", "`mse(x, y)`"),
    ("mm", "`matmul(x, y)`"),
    ("moveaxis", "`x.permute([1, 0, 2])`"),
    ("movedim", "`x.permute([1, 0, 2])`"),
    ("mul", "`x * y`"),
    ("multiply", "`x * y`"),
    ("mv", "`matmul(x, y)`"),
    ("ne", "`x != y`"),
    (
        "ndim",
        "the number of dims in the type: it is known where this is written",
    ),
    (
        "numel",
        "the product of the dims: with `x: Tensor<B, N>` it is `B * N`",
    ),
    (
        "numpy",
        "`x` alone: what the call outside gives is an array",
    ),
    ("outer", "`x.unsqueeze(1) * y`"),
    ("pairwise_distance", "`(x - y).norm(axis = -1)`"),
    ("power", "`x.pow(2.5)`"),
    ("rand", "`uniform([B, D], 0.0, 1.0)`"),
    (
        "rand_like",
        "`uniform([B, D], 0.0, 1.0)`, with the dims of its type",
    ),
    ("randn_like", "`randn([B, D])`, with the dims of its type"),
    ("range", "`0..9`"),
    ("rem", "`x % y`"),
    (
        "shape",
        "the symbols of the dims: with `x: Tensor<B, N>` they are `B` and `N`",
    ),
    (
        "size",
        "the symbol of the dim: with `x: Tensor<B, N>` it is `B` or `N`",
    ),
    ("sub", "`x - y`"),
    ("subtract", "`x - y`"),
    ("swish", "`x.silu()`"),
    ("swapdims", "`x.swapaxes(1, 2)`"),
    (
        "transpose",
        "`x.swapaxes(1, 2)` for two axes, `x.t()` for the last two",
    ),
    ("tensordot", "`einsum(\"ab,bc->ac\", x, y)`"),
    ("tile", "`x.repeat(\"a b -> a (n b)\", n = 2)`"),
    ("true_divide", "`x / y`"),
    ("trace", "`einsum(\"ii->\", x)`"),
    ("type_as", "`x.cast(float)`"),
    ("unfold", "`x.windows(3)`"),
    ("view", "`x.reshape([2, -1])`"),
];

/// How the meaning that other libraries give to `name` is written here.
pub fn written_here(name: &str) -> Option<&'static str> {
    let found = ELSEWHERE.iter().find(|(theirs, _)| *theirs == name);
    found.map(|(_, here)| *here)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations;
    use syn::visit::{self, Visit};

    /// The names that an expression calls.
    #[derive(Default)]
    struct Called(Vec<String>);

    impl Visit<'_> for Called {
        fn visit_expr_method_call(&mut self, call: &syn::ExprMethodCall) {
            self.0.push(call.method.to_string());
            visit::visit_expr_method_call(self, call);
        }

        fn visit_expr_call(&mut self, call: &syn::ExprCall) {
            if let syn::Expr::Path(function) = &*call.func {
                let name = function.path.require_ident().expect("a plain name");
                self.0.push(name.to_string());
            }
            visit::visit_expr_call(self, call);
        }
    }

    #[test]
    fn what_is_written_here_calls_operations() {
        let mut count = 0;
        for (theirs, here) in ELSEWHERE {
            assert_eq!(here.matches('`').count() % 2, 0, "{theirs}: {here}");
            for code in here.split('`').skip(1).step_by(2) {
                // A type is shown with the parameter that has it.
                let Ok(expr) = syn::parse_str::<syn::Expr>(code) else {
                    assert!(code.starts_with("x: Tensor<"), "{theirs}: {code}");
                    continue;
                };
                let mut called = Called::default();
                called.visit_expr(&expr);
                for name in called.0 {
                    assert!(operations::find(&name).is_some(), "{theirs}: {name}");
                    assert_ne!(name, *theirs);
                    count += 1;
                }
            }
        }
        assert!(count > 20, "only {count} calls were found");
    }

    #[test]
    fn each_name_stands_once() {
        let mut names: Vec<&str> = ELSEWHERE.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ELSEWHERE.len());
    }
}
