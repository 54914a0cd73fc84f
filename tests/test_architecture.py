"""The house rules that a reader relies on: directions of imports, purity, templates without inline code."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from datacatalog.env import BASE_DIR

APPS = ("catalog_app", "quality_app", "feeds_app")  # each may import those before it
FRAMEWORKS = {"django", "channels", "channels_redis", "celery", "kombu", "ninja", "daphne", "whitenoise", "redis"}
# Parts of an app by height: a module imports parts of its own height or lower ones, in any app.
# Whatever is not listed here is pure: data in, data out, no framework.
MODELS, SERVICES, PAGES = 1, 2, 3
HEIGHT = {
    "models": MODELS,
    "services": SERVICES,
    **dict.fromkeys(
        ("admin", "api", "apps", "consumers", "context", "forms", "handlers", "management", "routing"),
        PAGES,
    ),
    **dict.fromkeys(("tasks", "templatetags", "urls", "views"), PAGES),
}


def sources() -> dict[str, Path]:
    """Every module of the apps by dotted name, without tests and migrations."""
    found = {}
    for app in APPS:
        for path in (BASE_DIR / app).rglob("*.py"):
            parts = path.relative_to(BASE_DIR).with_suffix("").parts
            if not {"tests", "migrations"} & set(parts):
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


SOURCES = sources()


def imports(module: str, tree: ast.AST) -> Iterator[str]:
    """Dotted names that a module imports; `from package import module` gives the module."""
    is_package = SOURCES[module].name == "__init__.py"
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".") if is_package else module.split(".")[:-1]
                parents = parents[: len(parents) - node.level + 1]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                name = f"{base}.{alias.name}"
                yield name if name in SOURCES else base


IMPORTS = {
    module: sorted(set(imports(module, ast.parse(path.read_text(), filename=str(path)))))
    for module, path in SOURCES.items()
}


def is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def height(module: str) -> int:
    """Height of the part of an app that a module belongs to; 0 is pure."""
    parts = module.split(".")
    return HEIGHT.get(parts[1], 0) if len(parts) > 1 else 0


def is_pure(module: str) -> bool:
    return is_in(module, APPS) and height(module) == 0


def test_the_collection_sees_the_code() -> None:
    assert {"catalog_app.store", "catalog_app.models.job", "quality_app.models", "feeds_app.apps"} <= set(SOURCES)
    assert "catalog_app.models.job" in IMPORTS["catalog_app.models"]


def test_apps_import_only_apps_below_them() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, names in IMPORTS.items()
        for name in names
        if is_in(name, APPS[APPS.index(module.split(".")[0]) + 1 :])
    ]
    assert wrong == []


def test_apps_do_not_import_the_project() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, names in IMPORTS.items()
        for name in names
        if is_in(name, ("datacatalog",))
    ]
    assert wrong == []


def test_models_services_and_pages_import_downwards() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, names in IMPORTS.items()
        for name in names
        if is_in(name, APPS) and height(name) > height(module)
    ]
    assert wrong == []


def test_what_is_meant_to_be_pure_is_taken_as_pure() -> None:
    assert all(
        map(is_pure, ("catalog_app.store.reader", "catalog_app.formats", "quality_app.checks", "quality_app.gaps"))
    )
    assert not is_pure("catalog_app.services.sync")


def test_pure_packages_import_no_framework_and_only_pure_packages() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, names in IMPORTS.items()
        if is_pure(module)
        for name in names
        if name.split(".")[0] in FRAMEWORKS or (is_in(name, APPS) and not is_pure(name))
    ]
    assert wrong == []


def test_importing_every_pure_module_loads_no_framework() -> None:
    modules = [module for module in SOURCES if is_pure(module)]
    program = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"sys.exit(', '.join(sorted(set(sys.modules) & {FRAMEWORKS - {'redis'}!r})) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=BASE_DIR, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


# Where a bucket is and who may open it is said in the variables of AWS' own tools, which PyArrow reads too.
READS_ENVIRONMENT = {"catalog_app.store.filesystem"}


def test_apps_read_no_environment_variables() -> None:
    wrong = [
        module
        for module, path in SOURCES.items()
        if module not in READS_ENVIRONMENT
        and re.search(r"\bos\.(environ|getenv)\b|from os import .*\b(environ|getenv)\b", path.read_text())
    ]
    assert wrong == []


PYTHON_IN_POLARS = re.compile(r"\.(map_batches|map_elements|map_groups|rolling_map)\(|\bpl\.(map_batches|map_groups)\(")


def test_no_expression_calls_python() -> None:
    """Polars runs it on its pool, where it waits for the interpreter: see catalog_app/store/decimals.py."""
    wrong = [module for module, path in SOURCES.items() if PYTHON_IN_POLARS.search(path.read_text())]
    assert wrong == []


TEMPLATES = sorted(
    [
        *(BASE_DIR / "templates").rglob("*.html"),
        *(p for app in APPS for p in (BASE_DIR / app).rglob("templates/**/*.html")),
    ]
)
INLINE = {
    "an inline style": re.compile(r"<style\b|\sstyle\s*=", re.IGNORECASE),
    "an inline script": re.compile(r"<script\b(?![^>]*\bsrc=)", re.IGNORECASE),
    "an event handler": re.compile(r"<[^>]*\s(on[a-z]+|hx-on[:a-z-]*)\s*=", re.IGNORECASE),
    "a javascript: address": re.compile(r"(href|src|action)\s*=\s*[\"']?\s*javascript:", re.IGNORECASE),
    "a foreign origin": re.compile(
        r"<(script|link|img|iframe)\b[^>]*(src|href)\s*=\s*[\"']?(https?:)?//", re.IGNORECASE
    ),
}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(BASE_DIR)))
def test_templates_fit_the_content_security_policy(path: Path) -> None:
    text = re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", path.read_text(), flags=re.DOTALL)
    assert [what for what, pattern in INLINE.items() if pattern.search(text)] == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('<p style="color: red">', "an inline style"),
        ("<script>go()</script>", "an inline script"),
        ('<a href="/x" onclick="go()">', "an event handler"),
        ('<a hx-on:click="go()">', "an event handler"),
        ('<a href="javascript:go()">', "a javascript: address"),
        ('<script src="https://cdn.example.com/x.js">', "a foreign origin"),
    ],
)
def test_the_template_patterns_find_what_they_are_for(text: str, what: str) -> None:
    assert INLINE[what].search(text)


def variables_read() -> set[str]:
    """Names of the environment variables that env.py reads."""
    names = set()
    for node in ast.walk(ast.parse((BASE_DIR / "datacatalog" / "env.py").read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            target, first = ast.unparse(node.func.value), node.args[0]
            if target in {"env", "os.environ"} and isinstance(first, ast.Constant):
                names.add(str(first.value))
    return names


def test_every_environment_variable_is_documented_and_every_documented_one_exists() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", (BASE_DIR / "docs" / "operations.md").read_text(), flags=re.MULTILINE)
    assert len(variables_read()) > 10
    assert set(rows) == variables_read()
