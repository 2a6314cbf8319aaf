# The two commands: make demo, make test. make build alone gives build/cairn.
.PHONY: build demo test check install clean

build: install
	@cmake --preset release --log-level=WARNING
	@nice cmake --build build

demo: build
	build/cairn demo

test: build
	@tools/tidy
	ctest --test-dir build --output-on-failure -j2

check:
	tools/check

install:
	@tools/install build

clean:
	rm -rf build build-*
