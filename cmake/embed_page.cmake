# Writes OUT, a C++ file whose page_html() returns web/index.html of folder WEB, with its style
# sheet and script put inside, so that the page is one file without further requests.
file(READ ${WEB}/index.html page)
file(READ ${WEB}/style.css style)
file(READ ${WEB}/page.js script)
string(REPLACE "<link rel=\"stylesheet\" href=\"style.css\">" "<style>\n${style}</style>" page "${page}")
string(REPLACE "<script src=\"page.js\"></script>" "<script>\n${script}</script>" page "${page}")
foreach(left "style.css" "page.js")
    string(FIND "${page}" "${left}" at)
    if(NOT at EQUAL -1)
        message(FATAL_ERROR "web/index.html names ${left} in a way that embed_page.cmake does not know")
    endif()
endforeach()
string(LENGTH "${page}" length)
file(WRITE ${OUT} "#include \"api/page.h\"\n\nnamespace cairn::api {\n\n"
    "const std::string& page_html() {\n    static const std::string page = R\"cairnpage(${page})cairnpage\";\n"
    "    return page;\n}\n\n}  // namespace cairn::api\n")
