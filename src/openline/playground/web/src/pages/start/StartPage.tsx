import { pages } from "..";

/** The way in. */
export function StartPage() {
  return (
    <ul>
      {pages.map((page) => (
        <li key={page.path}>
          <a href={page.path}>{page.title}</a>
        </li>
      ))}
    </ul>
  );
}
