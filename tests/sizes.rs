//! Sizes that no parameter can have: an error with the parameter's path, never a panic.

use sinew::Error;
use sinew::prelude::*;

#[model]
struct Table<N, D> {
    #[init(normal(0.1))]
    w: Param<N, D>,
    #[init(zeros)]
    rest: Param<{ N - 3 }>,
}

#[model]
struct Nested<N> {
    table: Table<N, { N * N }>,
}

#[model]
fn total<N>(m: &Nested<N>) -> Tensor {
    m.table.w.sum()
}

fn message<T>(result: sinew::Result<T>) -> String {
    match result {
        Ok(_) => panic!("these sizes are none"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn configured_sizes_past_any_memory() {
    for n in [1 << 21, usize::MAX] {
        let error = Nested::init(&NestedConfig { N: n }, 0);
        assert!(matches!(
            error,
            Err(Error::TooLarge { .. } | Error::Size { .. })
        ));
        assert!(message(error).contains("`table.w`"));
    }
    assert_eq!(
        message(Nested::init(&NestedConfig { N: 1 << 21 }, 0)),
        "`table.w` of shape (2097152, 4398046511104) is too large for the memory"
    );
}

#[test]
fn a_configured_dim_below_zero() -> sinew::Result<()> {
    assert_eq!(
        message(Nested::init(&NestedConfig { N: 2 }, 0)),
        "the dim {N - 3} of `table.rest` is -1 for these sizes"
    );
    let m = Nested::init(&NestedConfig { N: 4 }, 0)?;
    assert_eq!(m.table.w.shape(), [4, 16]);
    assert!(total(&m)?.is_finite());
    Ok(())
}

#[model]
struct Huge {
    #[init(zeros)]
    w: Param<4294967296, 4294967296>,
}

#[model]
fn huge(m: &Huge) -> Tensor {
    m.w.sum()
}

/// `init` of a model of constant sizes cannot fail: whatever uses it first does. A negative extent is
/// refused where such a model is compiled.
#[test]
fn constant_sizes_that_are_none() {
    let file = std::env::temp_dir().join(format!("sinew-{}-sizes", std::process::id()));
    let too_large = "`w` of shape (4294967296, 4294967296) is too large for the memory";
    assert_eq!(message(huge::train(Huge::init(0)).build()), too_large);
    assert_eq!(message(huge::compile(Huge::init(0)).build()), too_large);
    assert_eq!(message(huge(&Huge::init(0))), too_large);
    assert_eq!(message(huge::gradient(&Huge::init(0))), too_large);
    assert_eq!(message(Huge::init(0).save(&file)), too_large);
    assert_eq!(message(Huge::load(&file)), too_large);
    assert!(!file.exists());
}

#[model]
fn columns<B, K>(x: Tensor<B>) -> Tensor<B, K> {
    x.unsqueeze(-1) * ones([1, K])
}

#[model]
fn ones_of<N>() -> Tensor {
    ones([N]).sum()
}

/// Before any argument is there: none of any sizes would tell it.
#[test]
fn a_size_that_nothing_tells_is_told_where_it_compiles() {
    assert_eq!(
        message(columns::compile().build()),
        "nothing tells what `K` of `columns` is: no argument has a dim to learn it from"
    );
    assert_eq!(
        message(ones_of::compile().build()),
        "nothing tells what `N` of `ones_of` is: no argument has a dim to learn it from"
    );
}

#[model(methods)]
struct Heads<D, H, Each> {
    #[init(ones)]
    w: Param<D>,
    #[init(ones)]
    gain: Param<H, Each>,
}

#[model(where(D == H * Each))]
impl<D, H, Each> Heads<D, H, Each> {
    fn forward<B>(&self, x: Tensor<B, D>) -> Tensor<B, H, Each> {
        (x * self.w).reshape([B, H, Each]) * self.gain
    }
}

#[model(where(D == H * Each))]
fn heads<B, D, H, Each>(m: &Heads<D, H, Each>, x: Tensor<B, D>) -> Tensor<B, H, Each> {
    m.forward(x)
}

/// What is assumed of a model's sizes holds or not before any argument is there.
#[test]
fn relations_of_configured_sizes_are_told_where_it_compiles() -> sinew::Result<()> {
    let model = |each| {
        Heads::init(
            &HeadsConfig {
                D: 6,
                H: 2,
                Each: each,
            },
            0,
        )
    };
    assert_eq!(heads(&model(3)?, [[1.0; 6]])?.shape(), [1, 2, 3]);
    let text = message(heads::compile(model(4)?).build());
    assert!(text.contains("`m.w`") && text.contains("Each"), "{text}");
    Ok(())
}
