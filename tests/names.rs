//! What a name means is rustc's decision: functions of one's own that are called like operations, so that
//! an operation that comes with a new version breaks no program. And the names that expansion makes up.

/// Its own functions are nearer than the glob of operations.
mod own {
    use sinew::prelude::*;

    #[model]
    pub fn sin<N>(x: Tensor<N>) -> Tensor<N> {
        x * 2.0
    }

    #[model]
    pub fn cumsum<N>(x: Tensor<N>, by: Tensor) -> Tensor<N> {
        x + by
    }

    #[model]
    pub fn local<N>(x: Tensor<N>) -> Tensor<N> {
        cumsum(sin(x), 1.0) + relu(x) + sinew::ops::relu(x) + sqrt(x)
    }
}

/// So are those that are called like operations of the prelude.
mod like_the_prelude {
    use sinew::prelude::*;

    #[model]
    pub fn relu<N>(x: Tensor<N>) -> Tensor<N> {
        x.relu() + 1.0
    }

    #[model]
    pub fn local<N>(x: Tensor<N>) -> Tensor<N> {
        relu(x) + abs(x)
    }

    pub mod below {
        use super::*;

        #[model]
        pub fn imported<N>(x: Tensor<N>) -> Tensor<N> {
            10 * relu(x)
        }
    }
}

/// One that is called so in another module of the file.
mod like_it_too {
    use sinew::prelude::*;

    #[model]
    pub fn relu<N>(x: Tensor<N>) -> Tensor<N> {
        -x
    }

    #[model]
    pub fn local<N>(x: Tensor<N>) -> Tensor<N> {
        relu(x) * 2.0
    }
}

mod by_use {
    use super::own::{cumsum, sin};
    use sinew::prelude::*;

    #[model]
    pub fn imported<N>(x: Tensor<N>) -> Tensor<N> {
        cumsum(sin(x), 1.0) + abs(x)
    }
}

mod by_glob {
    use super::own::*;
    use sinew::prelude::*;

    #[model]
    pub fn imported<N>(x: Tensor<N>) -> Tensor<N> {
        cumsum(sin(x), 1.0) + abs(x)
    }
}

mod by_path {
    use sinew::prelude::*;

    #[model]
    pub fn named<N>(x: Tensor<N>) -> Tensor<N> {
        super::own::sin(relu(x)) + self::abs(x)
    }
}

#[test]
fn a_function_of_ones_own_is_meant_by_its_name() -> sinew::Result<()> {
    let x = [4.0, 1.0];
    // 2 x + 1 and more
    assert_eq!(own::local(x)?.to_vec(), [9.0 + 8.0 + 2.0, 3.0 + 2.0 + 1.0]);
    assert_eq!(like_the_prelude::local(x)?.to_vec(), [9.0, 3.0]);
    assert_eq!(like_it_too::local(x)?.to_vec(), [-8.0, -2.0]);
    let below = like_the_prelude::below::imported(x)?;
    assert_eq!(below.to_vec(), [50.0, 20.0]);
    assert_eq!(by_use::imported(x)?.to_vec(), [13.0, 4.0]);
    assert_eq!(by_glob::imported(x)?.to_vec(), [13.0, 4.0]);
    assert_eq!(by_path::named([-3.0, 1.0])?.to_vec(), [3.0, 3.0]);
    Ok(())
}

#[test]
fn in_a_function_body_too() -> sinew::Result<()> {
    use sinew::prelude::*;

    #[model]
    fn sin<N>(x: Tensor<N>) -> Tensor<N> {
        x + 1.0
    }
    #[model]
    fn twice<N>(x: Tensor<N>) -> Tensor<N> {
        sin(sin(x)) + 0.0 * sigmoid(x)
    }
    assert_eq!(twice([1.0])?.to_vec(), [3.0]);
    Ok(())
}

/// Both have a method whose type could be called `A_b_c`.
mod alike {
    use sinew::prelude::*;

    #[model(methods)]
    pub struct A {
        #[init(ones)]
        w: Param,
    }
    #[model(pub)]
    impl A {
        pub fn b_c(&self, x: Tensor) -> Tensor {
            self.w + x
        }
    }
    #[model(methods)]
    #[allow(non_camel_case_types)]
    pub struct A_b {
        #[init(ones)]
        w: Param,
    }
    #[model(pub)]
    impl A_b {
        pub fn c(&self, x: Tensor) -> Tensor {
            self.w + 2 * x
        }
    }
}

macro_rules! twins {
    ($($name:ident: $by:literal),*) => {
        $(#[allow(missing_docs)]
        pub mod $name {
            use sinew::prelude::*;

            /// The same tokens from the same place, in each of the modules.
            #[model]
            pub fn same<N>(x: Tensor<N>) -> Tensor<N> {
                other(x) + 1
            }
            #[model]
            pub fn other<N>(x: Tensor<N>) -> Tensor<N> {
                x * $by
            }
        })*
    };
}
twins!(two: 2, three: 3);

#[test]
fn made_up_names_do_not_meet() -> sinew::Result<()> {
    assert_eq!(alike::A::init(0).b_c(3.0)?, 4.0);
    assert_eq!(alike::A_b::init(0).c(3.0)?, 7.0);
    assert_eq!(two::same([1.0])?.to_vec(), [3.0]);
    assert_eq!(three::same([1.0])?.to_vec(), [4.0]);
    Ok(())
}
