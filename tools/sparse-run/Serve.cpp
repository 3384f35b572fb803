//===- Serve.cpp - Many commands, one start -------------------------------===//
//
// Loading LLVM's libraries takes longer than a small model does. A process that has loaded them is copied for each
// command, so that commands share nothing else, and one that crashes takes no other with it.
//
//===----------------------------------------------------------------------===//

#include "Serve.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sparseaccel::run {

namespace {
struct CloseFile {
  void operator()(std::FILE *file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;
} // namespace

static int fail(const llvm::Twine &message) {
  llvm::errs() << "sparse-run: error: --serve: " << message << "\n";
  return 1;
}

static bool readArguments(const std::string &line, std::vector<std::string> &arguments) {
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(line);
  if (!value) {
    llvm::consumeError(value.takeError());
    return false;
  }
  const llvm::json::Array *array = value->getAsArray();
  if (!array)
    return false;
  for (const llvm::json::Value &element : *array) {
    auto text = element.getAsString();
    if (!text)
      return false;
    arguments.push_back(text->str());
  }
  return true;
}

/// Of the child: what it reads and writes is its own.
static bool redirect(std::FILE *out, std::FILE *err) {
  const int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
  return none >= 0 && dup2(none, STDIN_FILENO) >= 0 && dup2(fileno(out), STDOUT_FILENO) >= 0 &&
         dup2(fileno(err), STDERR_FILENO) >= 0;
}

static std::string textOf(std::FILE *file) {
  std::string text;
  std::rewind(file);
  char buffer[4096];
  while (const size_t count = std::fread(buffer, 1, sizeof(buffer), file))
    text.append(buffer, count);
  return llvm::json::fixUTF8(text);
}

int serve(const char *tool, llvm::function_ref<int(int, char **)> command) {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::vector<std::string> arguments{tool};
    if (!readArguments(line, arguments))
      return fail("expected a JSON array of strings on each line, not '" + line + "'");
    File out(std::tmpfile()), err(std::tmpfile());
    if (!out || !err)
      return fail("no room for a command's output");
    const pid_t child = fork();
    if (child < 0)
      return fail("cannot start a process");
    if (child == 0) {
      if (!redirect(out.get(), err.get()))
        _exit(127);
      std::vector<char *> argv;
      for (std::string &argument : arguments)
        argv.push_back(argument.data());
      argv.push_back(nullptr);
      std::exit(command(static_cast<int>(arguments.size()), argv.data())); // flushes what it wrote
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
      if (errno != EINTR)
        return fail("lost a process");
    const int code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    llvm::outs() << llvm::json::Value(llvm::json::Object{
                        {"exit", code}, {"stdout", textOf(out.get())}, {"stderr", textOf(err.get())}})
                 << "\n";
    llvm::outs().flush();
  }
  return 0;
}

} // namespace sparseaccel::run
