"""Many runs: attribution, comparison."""
