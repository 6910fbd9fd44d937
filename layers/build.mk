# How every layer is built; each layer's Makefile includes this and says what is its own.
#
# `sam build` calls `make --makefile layers/<name>/Makefile build-<LogicalId>` in a copy of the
# layer's folder, with ARTIFACTS_DIR set. No Docker: wheels are taken ready-made for Lambda's machine.

SHELL := /bin/sh -eu
PYTHON ?= python3.13
TARGET = $(ARTIFACTS_DIR)/python

# What the runtime python3.13 on arm64 can load: Amazon Linux 2023 has glibc 2.34.
MANYLINUX = manylinux2014 manylinux_2_17 manylinux_2_24 manylinux_2_26 manylinux_2_27 \
            manylinux_2_28 manylinux_2_31 manylinux_2_34
PLATFORMS = $(patsubst %,--platform %_aarch64,$(MANYLINUX))

# Exactly the listed packages and nothing they ask for: requirements.txt names those, too, and leaves
# out what only their command lines need.
define install-packages
"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13) and "layers are built with Python 3.13")'
"$(PYTHON)" -m pip install --quiet --disable-pip-version-check --no-compile --no-deps \
  --only-binary=:all: --implementation cp --python-version 3.13 $(PLATFORMS) \
  --requirement requirements.txt --target "$(TARGET)"
rm -rf "$(TARGET)/bin"
endef

# Leave out what nothing reads at run time, then ship bytecode: without it a start costs 5.7 times as
# much. `unchecked-hash`, because unpacking a layer gives the sources other times.
define finish
find "$(TARGET)" -depth -type d \( -name tests -o -name __pycache__ -o -name '*.dist-info' \) \
  -exec rm -rf {} +
find "$(TARGET)" -type f \( -name '*.py[ixc]' -o -name '*.pxd' -o -name '*.[ch]' -o -name '*.hpp' \
  -o -name '*.cpp' -o -name py.typed -o -name README.md \) -delete
"$(PYTHON)" -m compileall -q --invalidation-mode unchecked-hash -s "$(TARGET)" -p /opt/python "$(TARGET)"
endef
