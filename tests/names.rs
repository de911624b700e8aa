//! What a name means is rustc's decision: functions of one's own that are called like operations, so that
//! an operation that comes with a new version breaks no program.

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
