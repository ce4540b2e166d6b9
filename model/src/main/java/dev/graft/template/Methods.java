package dev.graft.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.function.Predicate;

/** The methods of strings, lists and dicts; those that change a value are not for templates. */
final class Methods {
  private Methods() {}

  /** The method of that name, bound to the value. */
  static Optional<Callable> find(Object value, String name) {
    return switch (value) {
      case String text -> ofString(text, name);
      case Map<?, ?> map -> ofMap(map, name);
      case List<?> list -> ofList(list, name);
      default -> Optional.empty();
    };
  }

  private static Object argument(List<Object> positional, int index, Object absent) {
    return index < positional.size() ? positional.get(index) : absent;
  }

  private static String text(List<Object> positional, int index) {
    if (argument(positional, index, None.NONE) instanceof String text) {
      return text;
    }
    throw new TemplateException("a method of a string needs a string as its argument");
  }

  private static long number(Object given) {
    return Values.toNumber(given).longValue();
  }

  private static Optional<Callable> ofString(String text, String name) {
    Callable method =
        switch (name) {
          case "strip" -> (p, _) -> PythonText.strip(text, argument(p, 0, None.NONE), true, true);
          case "lstrip" -> (p, _) -> PythonText.strip(text, argument(p, 0, None.NONE), true, false);
          case "rstrip" -> (p, _) -> PythonText.strip(text, argument(p, 0, None.NONE), false, true);
          case "upper" -> (_, _) -> text.toUpperCase(Locale.ROOT);
          case "lower" -> (_, _) -> text.toLowerCase(Locale.ROOT);
          case "capitalize" -> (_, _) -> PythonText.capitalize(text);
          case "title" -> (_, _) -> PythonText.title(text);
          case "startswith" -> (p, _) -> anyOf(p, text::startsWith);
          case "endswith" -> (p, _) -> anyOf(p, text::endsWith);
          case "removeprefix" ->
              (p, _) -> text.startsWith(text(p, 0)) ? text.substring(text(p, 0).length()) : text;
          case "removesuffix" ->
              (p, _) ->
                  text.endsWith(text(p, 0))
                      ? text.substring(0, text.length() - text(p, 0).length())
                      : text;
          case "split" -> (p, n) -> split(text, p, n, false);
          case "rsplit" -> (p, n) -> split(text, p, n, true);
          case "splitlines" -> (_, _) -> new ArrayList<Object>(text.lines().toList());
          case "replace" ->
              (p, _) ->
                  PythonText.replace(text, text(p, 0), text(p, 1), number(argument(p, 2, -1L)));
          case "find" -> (p, _) -> codePoints(text, text.indexOf(text(p, 0)));
          case "rfind" -> (p, _) -> codePoints(text, text.lastIndexOf(text(p, 0)));
          case "count" -> (p, _) -> PythonText.split(text, text(p, 0), -1, false).size() - 1L;
          case "join" ->
              (p, _) ->
                  String.join(
                      text, Values.items(p.getFirst()).stream().map(Values::string).toList());
          case "partition" -> (p, _) -> partition(text, text(p, 0), text.indexOf(text(p, 0)));
          case "isdigit" -> (_, _) -> all(text, Character::isDigit);
          case "isalpha" -> (_, _) -> all(text, Character::isLetter);
          case "isalnum" -> (_, _) -> all(text, Character::isLetterOrDigit);
          case "isspace" -> (_, _) -> all(text, PythonText::isSpace);
          case "isupper" ->
              (_, _) ->
                  !text.equals(text.toLowerCase(Locale.ROOT))
                      && text.equals(text.toUpperCase(Locale.ROOT));
          case "islower" ->
              (_, _) ->
                  !text.equals(text.toUpperCase(Locale.ROOT))
                      && text.equals(text.toLowerCase(Locale.ROOT));
          default -> null;
        };
    return Optional.ofNullable(method);
  }

  private static boolean all(String text, IntPredicate what) {
    return !text.isEmpty() && text.codePoints().allMatch(what);
  }

  /** Python takes one string or a tuple of them. */
  private static boolean anyOf(List<Object> p, Predicate<String> what) {
    Object given = argument(p, 0, None.NONE);
    List<Object> choices = given instanceof String ? List.of(given) : Values.items(given);
    return choices.stream().map(Values::string).anyMatch(what);
  }

  private static Object split(String text, List<Object> p, Map<String, Object> n, boolean right) {
    Object separator = argument(p, 0, n.getOrDefault("sep", None.NONE));
    Object limit = argument(p, 1, n.getOrDefault("maxsplit", -1L));
    return PythonText.split(text, separator, number(limit), right);
  }

  private static long codePoints(String text, int at) {
    return at < 0 ? -1 : text.codePointCount(0, at);
  }

  private static Object partition(String text, String by, int at) {
    return at < 0
        ? List.of(text, "", "")
        : List.of(text.substring(0, at), by, text.substring(at + by.length()));
  }

  private static Optional<Callable> ofMap(Map<?, ?> map, String name) {
    Callable method =
        switch (name) {
          case "get" ->
              (p, _) -> {
                Object found = map.get(p.getFirst());
                return found == null ? argument(p, 1, None.NONE) : found;
              };
          case "keys" -> (_, _) -> new ArrayList<Object>(map.keySet());
          case "values" -> (_, _) -> new ArrayList<Object>(map.values());
          case "items" ->
              (_, _) ->
                  map.entrySet().stream()
                      .map(e -> (Object) List.of(e.getKey(), e.getValue()))
                      .toList();
          default -> null;
        };
    return Optional.ofNullable(method);
  }

  private static Optional<Callable> ofList(List<?> list, String name) {
    Callable method =
        switch (name) {
          case "index" ->
              (p, _) -> {
                for (int i = 0; i < list.size(); i++) {
                  if (Values.equal(list.get(i), p.getFirst())) {
                    return (long) i;
                  }
                }
                throw new TemplateException(
                    Values.representation(p.getFirst()) + " is not in the list");
              };
          case "count" ->
              (p, _) -> list.stream().filter(e -> Values.equal(e, p.getFirst())).count();
          default -> null;
        };
    return Optional.ofNullable(method);
  }
}
