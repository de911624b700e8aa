//! The book's blocks of code, which are compiled and run with the docs' examples.

macro_rules! pages {
    ($($page:ident),*) => {
        $(
            #[doc = include_str!(concat!("../docs/book/src/", stringify!($page), ".md"))]
            mod $page {}
        )*
    };
}
pages!(
    introduction,
    first,
    shapes,
    layers,
    training,
    files,
    pictures,
    sequences,
    gpt,
    generative,
    optimizer,
    derivatives,
    embedded,
    pytorch
);
