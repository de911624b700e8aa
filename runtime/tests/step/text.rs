//! Functions whose programs are given as texts.

use sinew_runtime::{Arg, Float, Out, Rank};

pub type Row = Arg<Float, Rank<1>>;
pub type Scalar = Out<Float, Rank<0>>;

/// A function whose program is given as text: what the macro would emit for it.
macro_rules! text_function {
    ($(#[$attribute:meta])* $name:ident($($input:ty),*), $model:ty, $output:ty, $path:literal,
        $text:expr $(, callees [$($callee:expr),*])?) => {
        $(#[$attribute])*
        pub enum $name {}
        impl sinew_runtime::ModelFunction for $name {
            type Models = $model;
            type Inputs = ($($input,)*);
            type Output = $output;
            const UNIT: &'static sinew_ir::Unit = &sinew_ir::Unit {
                path: $path,
                file: concat!("src/", $path, ".rs"),
                text: $text,
                callees: &[$($($callee),*)?],
                consts: &[],
            };
        }
    };
}
pub(crate) use text_function;
