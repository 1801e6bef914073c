// The cover's picture: one curve a number of hidden units; the slider says which is drawn.
const figure = document.querySelector('.pulse-figure');
const curves = [...figure.querySelectorAll('.curves path')];
const slider = figure.querySelector('input');
const says = figure.querySelector('output');

function show(units) {
  curves.forEach((curve, index) => curve.classList.toggle('on', index === units));
  const error = curves[units].dataset.error;
  says.textContent = `${units} hidden unit${units === 1 ? '' : 's'}, typical error ${error}`;
  slider.value = units;
}

slider.max = curves.length - 1;
slider.addEventListener('input', () => { clearInterval(timer); show(Number(slider.value)); });
figure.querySelector('label').hidden = false;

// once, for those who like motion: from the straight line to the heartbeat
let timer = 0;
const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
show(still ? curves.length - 1 : 0);
if (!still) {
  let units = 0;
  timer = setInterval(() => (units < curves.length - 1 ? show(++units) : clearInterval(timer)), 140);
}
