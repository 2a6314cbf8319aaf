# Writes OUT, a C++ file of namespace cairn::ROOM with a function for each file of folder WEB that
# FILES names (a;b): chat.js becomes chat_js(), declared in ROOM/HEADER.
set(source "#include \"${ROOM}/${HEADER}\"\n\nnamespace cairn::${ROOM} {\n")
foreach(file ${FILES})
    file(READ ${WEB}/${file} text)
    string(REPLACE "." "_" name ${file})
    string(APPEND source "\nconst std::string& ${name}() {\n"
        "    static const std::string text = R\"cairnfile(${text})cairnfile\";\n    return text;\n}\n")
endforeach()
file(WRITE ${OUT} "${source}\n}  // namespace cairn::${ROOM}\n")
