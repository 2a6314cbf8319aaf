# The two commands: make demo, make test. make build alone gives build/cairn.
.PHONY: build demo test check configure install clean

build: configure
	@nice cmake --build build --target cairn

demo: build
	build/cairn demo

test: configure
	@tools/tidy
	@nice cmake --build build
	ctest --test-dir build --output-on-failure -j2
	@tools/skipped build

check:
	tools/check

configure: install
	@cmake --preset release --log-level=WARNING >/dev/null

install:
	@tools/install build

clean:
	rm -rf build build-*
