//! The arguments of a call side by side: what `step` and `run` make of what the user passes.

use crate::arg::{Arg, ArgView, IntoArg};
use crate::room;
use std::cell::Cell;

/// How many arguments lie where the call is: more of them ask for memory, once a thread.
const FEW: usize = 8;

thread_local! {
    /// Room for more.
    static MANY: Cell<Vec<ArgView<'static>>> = const { Cell::new(Vec::new()) };
}

/// Arguments of a call, in the order in which the function's program has them.
#[derive(Debug)]
pub struct ArgViews<'a> {
    few: [ArgView<'a>; FEW],
    count: usize,
    /// All of them, once there are many.
    many: Vec<ArgView<'a>>,
}

impl Default for ArgViews<'_> {
    fn default() -> Self {
        ArgViews::new()
    }
}

impl<'a> ArgViews<'a> {
    /// None yet.
    pub fn new() -> ArgViews<'a> {
        ArgViews {
            few: [ArgView::NOTHING; FEW],
            count: 0,
            many: Vec::new(),
        }
    }

    /// Adds one.
    fn push(&mut self, view: ArgView<'a>) {
        match self.few.get_mut(self.count) {
            Some(place) => *place = view,
            None => {
                if self.many.is_empty() {
                    self.many = room::taken(&MANY);
                    self.many.extend_from_slice(&self.few);
                }
                self.many.push(view);
            }
        }
        self.count += 1;
    }

    /// Those of a call.
    pub(crate) fn of<A>(arguments: &'a impl IntoArgs<A>) -> ArgViews<'a> {
        let mut views = ArgViews::new();
        arguments.add_to(&mut views);
        views
    }

    /// All of them.
    pub fn as_slice(&self) -> &[ArgView<'a>] {
        match self.few.get(..self.count) {
            Some(few) => few,
            None => &self.many,
        }
    }
}

impl Drop for ArgViews<'_> {
    fn drop(&mut self) {
        room::leave(&MANY, std::mem::take(&mut self.many));
    }
}

/// Host values that may be passed for the declared argument `A`: for a tensor what [`IntoArg`] takes, for a
/// tuple of tensors a tuple of such, for an array of tensors an array or a slice of as many, and references
/// to these.
#[diagnostic::on_unimplemented(
    message = "this argument takes `{A}`, and `{Self}` came",
    label = "other elements or dims than declared",
    note = "`Float` is f32 or f64, `i32` and `u32` any integers; `Rank<2>` an `Array2`, a view of one or nested \
            arrays, `Rank<1>` slices and `Vec`s too, `Rank<0>` numbers; a tuple or an array is one of as many"
)]
pub trait IntoArgs<A> {
    /// Adds the tensors in it, borrowed.
    fn add_to<'a>(&'a self, views: &mut ArgViews<'a>);
}

// What rustc says of a value that does not fit is said of `IntoArgs`: of all that follows it tells nothing.
#[diagnostic::do_not_recommend]
impl<E, R, T: IntoArg<Arg<E, R>> + ?Sized> IntoArgs<Arg<E, R>> for T {
    fn add_to<'a>(&'a self, views: &mut ArgViews<'a>) {
        views.push(self.arg());
    }
}

#[diagnostic::do_not_recommend]
impl<A, T: IntoArgs<A>, const N: usize> IntoArgs<[A; N]> for [T; N] {
    fn add_to<'a>(&'a self, views: &mut ArgViews<'a>) {
        self.iter().for_each(|part| part.add_to(views));
    }
}

#[diagnostic::do_not_recommend]
impl<A, T: IntoArgs<[A; N]> + ?Sized, const N: usize> IntoArgs<[A; N]> for &T {
    fn add_to<'a>(&'a self, views: &mut ArgViews<'a>) {
        (**self).add_to(views);
    }
}

/// Of a function without arguments.
#[diagnostic::do_not_recommend]
impl IntoArgs<()> for () {
    fn add_to<'a>(&'a self, _: &mut ArgViews<'a>) {}
}

/// Calls a macro for a method of the name, once for each number of its parameters from 1 on, with the types that they
/// are declared as.
///
/// The name and the parameters are the caller's tokens: where an argument does not fit, rustc shows the line that they
/// stand in, and else would show the macro around it.
macro_rules! each_count {
    ($macro:ident! $name:ident $(($marker:ident $argument:ident: $($bound:tt)*))*) => {
        $crate::views::each_count! { @ $macro $name [] [$(($marker $argument $($bound)*))*] }
    };
    (@ $macro:ident $name:ident [$($before:tt)*] []) => {};
    (@ $macro:ident $name:ident [$($before:tt)*] [$next:tt $($after:tt)*]) => {
        $macro!($name $($before)* $next);
        $crate::views::each_count! { @ $macro $name [$($before)* $next] [$($after)*] }
    };
}
pub(crate) use each_count;

/// Calls a macro for each number of types from 1 to 16, with as many markers, names and types beside them.
macro_rules! each_arity {
    ($macro:ident) => {
        $crate::views::each_arity! { @ $macro [] [
            A a AA, B b BB, C c CC, D d DD, E e EE, G g GG, H h HH, I i II,
            J j JJ, K k KK, L l LL, M m MM, N n NN, O o OO, P p PP, Q q QQ,
        ] }
    };
    (@ $macro:ident [$($before:tt)*] []) => {};
    (@ $macro:ident [$($before:tt)*]
        [$marker:ident $name:ident $host:ident, $($after:tt)*]
    ) => {
        $macro!($($before)* $marker $name $host,);
        $crate::views::each_arity! { @ $macro
            [$($before)* $marker $name $host,] [$($after)*]
        }
    };
}
pub(crate) use each_arity;

macro_rules! tuple {
    ($($marker:ident $name:ident $host:ident,)*) => {
        #[diagnostic::do_not_recommend]
        impl<$($marker,)* $($host: IntoArgs<$marker>),*> IntoArgs<($($marker,)*)> for ($($host,)*) {
            fn add_to<'a>(&'a self, views: &mut ArgViews<'a>) {
                let ($($name,)*) = self;
                $($name.add_to(views);)*
            }
        }
        #[diagnostic::do_not_recommend]
        impl<$($marker,)* T: IntoArgs<($($marker,)*)> + ?Sized> IntoArgs<($($marker,)*)> for &T {
            fn add_to<'a>(&'a self, views: &mut ArgViews<'a>) {
                (**self).add_to(views);
            }
        }
    };
}
each_arity!(tuple);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arg::{Float, Rank};

    type Row = Arg<Float, Rank<1>>;
    type Number = Arg<Float, Rank<0>>;

    fn extents<A>(data: impl IntoArgs<A>) -> Vec<Vec<usize>> {
        let mut views = ArgViews::new();
        data.add_to(&mut views);
        let views = views.as_slice().iter();
        views.map(|view| view.extents().to_vec()).collect()
    }

    #[test]
    fn groups_come_in_their_order() {
        let (row, other) = (vec![1.0f32; 3], [2.0f64; 5]);
        assert_eq!(extents::<Row>(&row), [[3]]);
        assert_eq!(extents::<(Row, Number)>((&row, 1.0)), [vec![3], vec![]]);
        assert_eq!(extents::<(Row, Row)>(&(&row, other)), [[3], [5]]);
        assert_eq!(extents::<[Row; 2]>([&row, &row]), [[3], [3]]);
        let nested = [(&row, [1.0, 2.0]), (&row, [3.0, 4.0])];
        let found = extents::<[(Row, [Number; 2]); 2]>(&nested);
        assert_eq!(found, [vec![3], vec![], vec![], vec![3], vec![], vec![]]);
    }

    #[test]
    fn there_may_be_more_than_have_a_place_at_once() {
        for count in [7, 8, 9, 40] {
            let rows: Vec<Vec<f32>> = (0..count).map(|n| vec![0.0; n]).collect();
            let mut views = ArgViews::new();
            for row in &rows {
                IntoArgs::<Row>::add_to(row, &mut views);
            }
            let found = views.as_slice().iter().map(|v| v.extents()[0]);
            assert!(found.eq(0..count), "{count}");
        }
    }
}
