"""Names of models on a hub are those that the hub's own library takes: no name ends with an error of that."""

import pytest

from attnmel.errors import ConfigError
from attnmel.files.hub import hub_name

utils = pytest.importorskip("huggingface_hub.utils", reason="needs the extra hub")

NAMES = "a/b a_b/c.d-e.f_g a/b_ A1/B2 a--b/c a/b--c a/b..c a/b. a/b- a/-b a-/b a/b.git a/b/c"


@pytest.mark.parametrize("name", NAMES.split())
def test_a_name_is_taken_where_the_library_takes_it(name: str) -> None:
    try:
        utils.validate_repo_id(name)
    except ValueError:
        with pytest.raises(
            ConfigError, match=f"'hf:{name}' is no model of a hub; write hf:OWNER/NAME or hf:OWNER/NAME@"
        ):
            hub_name(f"hf:{name}")
    else:
        found = hub_name(f"hf:{name}@v1--x")
        assert found is not None
        assert (found.repository, found.revision) == (name, "v1--x")
