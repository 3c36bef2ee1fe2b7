//! Stories live in the test targets of this package.
